// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletProtocol
import MartletWire
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Channels of any bytes") struct BinaryTests {
        private static let bytes: [UInt8] = [0xFF, 0x00, 0x0A, 0x7B]
        private static let text = #""/wAKew==""#

        private static func namespaces(_ options: inout EdgeRig.Options) {
            var raw = NamespaceOptions(name: "raw", subscribe: .anonymous, publish: .anonymous)
            raw.data = .binary
            raw.delta = .fossil
            raw.historySize = 10
            options.edge.allowsAnonymous = true
            options.edge.namespaces = NamespaceTable([
                raw, NamespaceOptions(name: "room", subscribe: .anonymous, publish: .anonymous),
            ])
        }

        private static func protobuf(_ rig: EdgeRig) throws -> SocketClient {
            let client = try SocketClient(rig, SocketClient.centrifuge + "?format=protobuf")
            try client.send(.binary, ProtobufText.delimited(ProtobufText.number(1, 1) + ProtobufText.bytes(4, [])))
            _ = try client.next()
            return client
        }

        private static func publish(_ client: SocketClient, _ channel: String, _ bytes: [UInt8]) throws -> [UInt8] {
            let request = ProtobufText.text(1, channel) + ProtobufText.bytes(2, bytes)
            try client.send(.binary, ProtobufText.delimited(ProtobufText.number(1, 7) + ProtobufText.bytes(7, request)))
            guard case .binary(let reply) = try client.next() else { return [] }
            return reply
        }

        @Test func goThroughProtobufAsTheyAreAndThroughJSONInBase64() throws {
            try EdgeRig.run(Self.namespaces) { rig in
                let raw = try Self.protobuf(rig)
                let json = try SocketClient.connected(rig, token: nil)
                let rpc = try SocketClient(rig, "/ws")
                let events = try EventClient(rig, "channel=raw:a")
                try events.skip(to: ":subscribed")
                #expect(try json.code(#""subscribe":{"channel":"raw:a"}"#) == 0)
                try rpc.send(#"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"channel":"raw:a"}}"#)
                #expect(try rpc.text().contains(#""result""#))
                try raw.send(.binary, ProtobufText.subscribe("raw:a", id: 2))
                _ = try raw.next()
                let publisher = try Self.protobuf(rig)
                // What looks like JSON stays what it is, too.
                for (bytes, text) in [(Self.bytes, Self.text), (Array("1\n".utf8), #""MQo=""#)] {
                    #expect(try Self.publish(publisher, "raw:a", bytes) == ProtobufText.delimited([8, 7, 66, 0]))
                    #expect(try json.text().contains(#""pub":{"data":\#(text),"info""#))
                    #expect(try rpc.text().contains(#""data":\#(text),"info""#))
                    #expect(try events.event()?.contains { $0.contains(#""data":\#(text)"#) } == true)
                    guard case .binary(let frame) = try raw.next() else { return }
                    let push = try #require(ProtobufText.find(4, in: Array(frame.drop { $0 & 0x80 != 0 }.dropFirst())))
                    #expect(ProtobufText.find(4, in: ProtobufText.find(4, in: push) ?? []) == bytes)
                }
                for client in [raw, json, rpc, publisher] { client.close() }
                events.close()
            }
        }

        @Test func clientsOfJSONWriteThemAsTheyReadThem() throws {
            try EdgeRig.run(Self.namespaces) { rig in
                let json = try SocketClient.connected(rig, token: nil)
                #expect(try json.code(#""publish":{"channel":"raw:a","data":\#(Self.text)}"#) == 0)
                #expect(try json.code(#""publish":{"channel":"raw:a","data":{"a":1}}"#) == 107)
                #expect(try json.code(#""publish":{"channel":"raw:a","data":"not base 64"}"#) == 107)
                #expect(try json.code(#""publish":{"channel":"raw:a","data":""}"#) == 107)
                let raw = try Self.protobuf(rig)
                let request = ProtobufText.delimited(
                    ProtobufText.number(1, 3)
                        + ProtobufText.bytes(5, ProtobufText.text(1, "raw:a") + ProtobufText.number(3, 1)))
                try raw.send(.binary, request)
                guard case .binary(let reply) = try raw.next() else { return }
                // What was missed: the bytes themselves.
                let recovered =
                    reply.count >= 4 && (0...reply.count - 4).contains { Array(reply[$0..<$0 + 4]) == Self.bytes }
                #expect(recovered)
                for client in [json, raw] { client.close() }
            }
        }

        @Test func otherChannelsRefuseThem() throws {
            try EdgeRig.run(Self.namespaces) { rig in
                let raw = try Self.protobuf(rig)
                let refused = try Self.publish(raw, "room:a", Self.bytes)
                #expect(String(decoding: refused, as: UTF8.self).contains("bad request"))
                #expect(
                    try Self.publish(raw, "room:a", Array("[1,\n2]".utf8)) == ProtobufText.delimited([8, 7, 66, 0]))
                raw.close()
            }
        }

        @Test func goInPatchesToo() throws {
            try EdgeRig.run(Self.namespaces) { rig in
                let json = try SocketClient.connected(rig, token: nil)
                try json.send(#"{"id":2,"subscribe":{"channel":"raw:b","delta":"fossil"}}"#)
                _ = try json.text()
                let reader = DeltaReader()
                for number in UInt8(1)...3 {
                    let bytes = Array(repeating: [0xFF, 0x00, 0x17] as [UInt8], count: 40).joined() + [number]
                    let publication = Publication(
                        channel: "raw:b", try #require(PublishedPayload(bytes: Array(bytes), for: .binary)), time: 0)
                    rig.bus.publish(publication, PublishOptions()) { _ in }
                    let text = try reader.texts(json.text())
                    #expect(text == [String(decoding: Base64.quoted(Array(bytes)), as: UTF8.self)])
                }
                #expect(reader.kinds == "fpp")
                json.close()
            }
        }
    }
}
