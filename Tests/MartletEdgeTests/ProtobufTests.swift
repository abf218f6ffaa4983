// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletWire
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Centrifuge Protobuf")
    struct ProtobufTests {
        @Test(
            arguments: [
                ("", "centrifuge-protobuf", "centrifuge-protobuf"), ("?format=protobuf", nil, nil),
                ("?cf_protocol=protobuf", nil, nil),
                ("", "centrifuge-protobuf, centrifuge-json", "centrifuge-protobuf"),
                ("?format=protobuf", "centrifuge-json, centrifuge-protobuf", "centrifuge-protobuf"),
            ] as [(String, String?, String?)])
        func aSession(query: String, offer: String?, chosen: String?) throws {
            try EdgeRig.run({
                $0.edge.limits.pingInterval = .seconds(1)
                $0.edge.limits.pongTimeout = .seconds(20)
            }) { rig in
                let client = try SocketClient(
                    rig, SocketClient.centrifuge + query, fields: offer.map { ["Sec-WebSocket-Protocol: \($0)"] } ?? [])
                #expect(client.answer.fields["sec-websocket-protocol"] == chosen)
                let commands = ProtobufText.connect(rig.token("ann")) + ProtobufText.subscribe("room:a", id: 2)
                try client.send(.binary, commands)
                guard case .binary(let reply) = try client.next() else { return #expect(Bool(false)) }
                #expect(String(decoding: reply, as: UTF8.self).contains("test"))
                #expect(try client.next() == .binary([4, 8, 2, 50, 0]))
                rig.publish("room:a", "7")
                #expect(
                    try client.next()
                        == .binary(ProtobufText.delimited(ProtobufText.publication("room:a", "7"))))
                for _ in 0..<2 {
                    #expect(try client.next() == .binary([0]))
                    try client.send(.binary, [0])
                }
                #expect(rig.shared.metrics.openByProtocol.first { $0.open == 1 }?.protocol == "centrifuge_protobuf")
                rig.hub.tellAll(.drain(window: .zero))
                #expect(try client.closeCode() == 3001)
            }
        }

        @Test func whatIsNotTheProtocolEndsTheConnection() throws {
            try EdgeRig.run { rig in
                for bytes in [[], [5], [0xFF, 0xFF], Array("{}".utf8)] as [[UInt8]] {
                    let client = try SocketClient(rig, SocketClient.centrifuge + "?format=protobuf")
                    try client.send(.binary, bytes)
                    #expect(try client.closeCode() == 3501)
                }
            }
        }

        @Test func framePings() throws {
            try EdgeRig.run({ $0.edge.limits.pingInterval = .milliseconds(400) }) { rig in
                let query = "?format=protobuf&cf_ws_frame_ping_pong=true"
                let client = try SocketClient(rig, SocketClient.centrifuge + query)
                try client.send(.binary, ProtobufText.connect(rig.token("ann")))
                guard case .binary = try client.next() else { return #expect(Bool(false)) }
                #expect(try client.next() == .ping([]))
                try client.send(.pong, [])
                #expect(try client.next() == .ping([]))
            }
        }
    }
}
