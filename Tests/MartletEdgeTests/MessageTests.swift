// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletWire
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Messages of WebSockets")
    struct MessageTests {
        @Test func fragmentsBecomeOneMessage() async throws {
            try await EdgeRig.run { rig in
                let client = try SocketClient(rig, SocketClient.centrifuge)
                let text = Array(SocketClient.connect(rig.token("ann")).utf8)
                try client.send(.text, Array(text[..<10]), isFinal: false)
                try client.send(.ping, [9])
                #expect(try client.next() == .pong([9]))
                try client.send(.continuation, Array(text[10..<20]), isFinal: false)
                try client.send(.continuation, [], isFinal: false)
                try client.send(.continuation, Array(text[20...]))
                guard case .text(let reply) = try client.next() else { return #expect(Bool(false)) }
                #expect(reply.hasPrefix(#"{"id":1,"connect":"#))
                #expect(await rig.extrasCount() == 0)
                // Binary frames are as good.
                try client.send(.binary, Array(#"{"id":2,"ping":{}}"#.utf8))
                #expect(try client.next() == .text(#"{"id":2,"ping":{}}"#))
                client.close()
            }
        }

        @Test func theLargestMessageAndOneByteMore() throws {
            try EdgeRig.run { rig in
                let ping = Array(#"{"id":2,"ping":{}}"#.utf8)
                let padding = [UInt8](repeating: UInt8(ascii: " "), count: 65_536 - ping.count)
                let client = try SocketClient.connected(rig, token: rig.token("ann"))
                try client.send(.text, padding + ping)
                #expect(try client.next() == .text(#"{"id":2,"ping":{}}"#))
                try client.send(.text, padding + ping + [UInt8(ascii: " ")])
                #expect(try client.closeCode() == 1009)
                let fragmenting = try SocketClient.connected(rig, token: rig.token("ann"))
                try fragmenting.send(.text, padding, isFinal: false)
                try fragmenting.send(.continuation, ping, isFinal: false)
                try fragmenting.send(.continuation, [32])
                #expect(try fragmenting.closeCode() == 1009)
            }
        }

        @Test func framesThatBreakTheProtocol() throws {
            try EdgeRig.run { rig in
                let cases: [([UInt8], UInt16)] = [
                    (WebSocketFrame.encodeMasked(.text, payload: [0xC3, 0x28], mask: 5), 1007),
                    (WebSocketFrame.encodeMasked(.continuation, payload: [1], mask: 5), 1002),
                    (WebSocketFrame.encode(.text, payload: [65]), 1002),
                    ([0xC1, 0x80, 0, 0, 0, 0], 1002), ([0x83, 0x80, 0, 0, 0, 0], 1002),
                    ([0x81, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0], 1002),
                ]
                for target in ["/ws", SocketClient.centrifuge] {
                    for (bytes, code) in cases {
                        let client = try SocketClient(rig, target)
                        try client.client.send(bytes)
                        #expect(try client.closeCode() == code, "\(bytes)")
                    }
                }
            }
        }

        @Test func theClosesOfPeersAreAnswered() throws {
            try EdgeRig.run { rig in
                let client = try SocketClient(rig, "/ws")
                try client.send(.close, WebSocketFrame.closePayload(code: 4321, reason: "done"))
                #expect(try client.next() == .close(4321, ""))
                #expect(try client.next() == .end)
                let silent = try SocketClient(rig, "/ws")
                try silent.send(.close, [])
                #expect(try silent.next() == .close(1005, ""))
                let broken = try SocketClient(rig, "/ws")
                broken.client.endOutput()
                #expect(try broken.next() == .end)
            }
        }
    }
}
