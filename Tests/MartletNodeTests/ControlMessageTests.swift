// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Testing

@testable import MartletNode

@Suite("Messages between nodes")
struct ControlMessageTests {
    static let messages: [ControlMessage] = [
        .invalidation(Invalidation(id: "1", target: .session("s\"1"), at: 1_700_000_000, source: .api)),
        .invalidation(
            Invalidation(
                id: "2", target: .user("ann", before: 1_700_000_000), at: 1_700_000_001, reason: "left", source: .pull)),
        .invalidation(Invalidation(id: "3", target: .token("t"), at: 1_700_000_000, source: .redis)),
        .invalidation(
            Invalidation(
                id: "4", target: .claim(name: "org", value: "é", before: 1_700_000_000), at: 1_700_000_000,
                source: .kafka)),
        .disconnect(user: "ann", session: nil, client: nil, keep: [], reason: .forceDisconnect),
        .disconnect(user: "", session: "s", client: "c", keep: ["a", "b\n"], reason: .forceReconnect),
    ]

    @Test(arguments: Self.messages) func isReadBack(message: ControlMessage) {
        #expect(ControlMessage(message.json.span) == message)
    }

    @Test(arguments: [
        "", "{}", "[]", "null", #"{"disconnect":{}}"#, #"{"disconnect":7}"#, #"{"disconnect":{"user":7}}"#,
        #"{"disconnect":{"user":"a","keep":7}}"#, #"{"invalidation":{}}"#, #"{"invalidation":[]}"#,
        #"{"invalidation":{"type":"session.revoked","session":""}}"#, #"{"later":{}}"#,
    ])
    func whatIsNotUnderstoodIsNothing(text: String) {
        #expect(ControlMessage(Array(text.utf8).span) == nil)
    }

    @Test func aReasonOfALaterVersionIsTheDefault() {
        let text = #"{"disconnect":{"user":"a","reason":"later"},"later":1}"#
        #expect(
            ControlMessage(Array(text.utf8).span)
                == .disconnect(user: "a", session: nil, client: nil, keep: [], reason: .forceDisconnect))
    }

    @Test func noBytesTrap() {
        var random = SystemRandomNumberGenerator()
        for message in Self.messages {
            let bytes = message.json
            for length in bytes.indices { _ = ControlMessage(Array(bytes[..<length]).span) }
            for _ in 0..<2_000 {
                var broken = bytes
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    broken[Int.random(in: broken.indices, using: &random)] = .random(in: 0...255, using: &random)
                }
                _ = ControlMessage(broken.span)
            }
        }
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 0..<64, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            _ = ControlMessage(bytes.span)
        }
    }
}
