// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import Testing

@testable import MartletNode

@Suite("Messages between nodes")
struct ControlMessageTests {
    static let member = ClusterMember(
        id: "n1", name: "a \"b\"", version: "1", startedAt: 1_700_000_000.5, uptime: 7.5, address: "h:1",
        connections: 3, capacity: 9, state: "ready", isRefusing: true)
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
        .announcement(Self.member, isHello: false), .announcement(Self.member, isHello: true), .goodbye("n1"),
        .question(SurveyQuestion(number: .max, asker: "n1", method: "disconnect", body: Array(#"{"user":"é"}"#.utf8))),
        .answer(SurveyAnswer(number: 7, node: "n2", name: "b", outcome: .done(NodeAnswer(count: 3)))),
        .answer(
            SurveyAnswer(number: 7, node: "n2", name: "", outcome: .done(NodeAnswer(count: 0, body: Array("[1]".utf8))))
        ),
        .answer(SurveyAnswer(number: 7, node: "n2", name: "b", outcome: .failed("limit exceeded"))),
        .appended(StreamID(milliseconds: 1_700_000_000_000, sequence: 2)),
    ]

    @Test(arguments: Self.messages) func isReadBack(message: ControlMessage) {
        #expect(ControlMessage(message.json.span) == message)
    }

    @Test(arguments: [
        "", "{}", "[]", "null", #"{"invalidation":{}}"#, #"{"invalidation":[]}"#, #"{"member":{}}"#, #"{"member":7}"#,
        #"{"member":{"id":""}}"#, #"{"goodbye":7}"#, #"{"question":{"number":1,"method":"m","body":{}}}"#,
        #"{"question":{"number":1,"asker":"a","body":{}}}"#, #"{"question":{"number":1,"asker":"a","method":"m"}}"#,
        #"{"answer":{"number":1,"node":"a"}}"#, #"{"answer":{"number":1,"count":1}}"#,
        #"{"answer":{"number":1,"node":"a","count":99999999999}}"#,
        #"{"invalidation":{"type":"session.revoked","session":""}}"#, #"{"later":{}}"#, #"{"appended":"x"}"#,
        #"{"appended":1}"#,
    ])
    func whatIsNotUnderstoodIsNothing(text: String) {
        #expect(ControlMessage(Array(text.utf8).span) == nil)
    }

    @Test func aMemberOfAnotherVersionIsOne() {
        let text = #"{"member":{"id":"n1","state":7,"connections":-1,"later":{}},"later":1}"#
        let expected = ClusterMember(
            id: "n1", name: "", version: "", startedAt: 0, connections: 0, capacity: 0, state: "")
        #expect(ControlMessage(Array(text.utf8).span) == .announcement(expected, isHello: false))
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
