// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletInstruments
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("JSON-RPC")
    struct JSONRPCTests {
        private static func call(_ method: String, _ params: String = "", id: String? = "1") -> String {
            let id = id.map { #","id":\#($0)"# } ?? ""
            return #"{"jsonrpc":"2.0"\#(id),"method":"\#(method)"\#(params.isEmpty ? "" : #","params":{\#(params)}"#)}"#
        }

        private static func result(_ body: String = "{}", id: String = "1") -> SocketClient.Message {
            .text(#"{"jsonrpc":"2.0","id":\#(id),"result":\#(body)}"#)
        }

        private static func error(_ code: Int, _ message: String, id: String = "1") -> SocketClient.Message {
            .text(#"{"jsonrpc":"2.0","id":\#(id),"error":{"code":\#(code),"message":"\#(message)"}}"#)
        }

        private static let subscribe = Self.call("subscribe", #""channel":"room:a""#)

        @Test func theWholeSurface() throws {
            try EdgeRig.run { rig in
                let client = try SocketClient(rig, "/ws", fields: ["Sec-WebSocket-Protocol: other, jsonrpc"])
                #expect(client.answer.fields["sec-websocket-protocol"] == "jsonrpc")
                #expect(try client.ask(Self.subscribe) == Self.error(101, "unauthorized"))
                #expect(try client.ask(Self.call("connect")) == Self.error(101, "unauthorized"))
                let expired = rig.token("ann", age: 7_200, expiresIn: -3_600)
                #expect(
                    try client.ask(Self.call("connect", #""token":"\#(expired)""#)) == Self.error(109, "token expired"))
                #expect(try client.ask(Self.call("ping")) == Self.result())
                guard case .text(let text) = try client.ask(Self.call("connect", #""token":"\#(rig.token("ann"))""#))
                else {
                    return #expect(Bool(false))
                }
                #expect(text.hasPrefix(#"{"jsonrpc":"2.0","id":1,"result":{"client":""#))
                #expect(text.contains(#""version":"test","ttl":3"#))
                #expect(rig.metrics.exposition().contains("martlet_tokens_verified_total 1\n"))
                #expect(try client.ask(Self.call("connect")) == Self.error(-32600, "invalid request"))
                #expect(try client.ask(Self.subscribe) == Self.result())
                #expect(try client.ask(Self.subscribe) == Self.error(105, "already subscribed"))
                #expect(
                    try client.ask(Self.call("subscribe", #""channel":"nowhere:a""#))
                        == Self.error(102, "unknown channel"))
                #expect(
                    try client.ask(Self.call("publish", #""channel":"room:b","data":1"#))
                        == Self.error(103, "permission denied"))
                #expect(try client.ask(Self.call("what")) == Self.error(-32601, "method not found"))
                #expect(try client.ask("{") == Self.error(-32700, "parse error", id: "null"))
                #expect(try client.ask("7") == Self.error(-32600, "invalid request", id: "null"))
                #expect(
                    try client.ask(Self.call("subscribe")) == Self.error(-32602, "invalid params: channel is missing"))
                #expect(try client.ask(Self.call("ping", id: #""a\"b""#)) == Self.result(id: #""a\"b""#))
                // A notification has no answer.
                try client.send(Self.call("unsubscribe", #""channel":"room:a""#, id: nil))
                #expect(try client.ask(Self.call("unsubscribe", #""channel":"room:a""#)) == Self.result())
            }
        }

        @Test func publicationsAndTheirPayloadsOnOneLine() throws {
            try EdgeRig.run { rig in
                let client = try SocketClient(rig, "/ws?access_token=\(rig.token("ann"))")
                let other = try SocketClient.connected(rig, token: rig.token("bob"))
                #expect(try other.ask(SocketClient.subscribe("room:a")) != .end)
                #expect(try client.ask(Self.subscribe) == Self.result())
                try client.send(Self.call("publish", "\"channel\":\"room:a\",\n\"data\":{\n\"x\": 1}", id: nil))
                guard case .text(let push) = try client.next(), case .text(let same) = try other.next() else {
                    return #expect(Bool(false))
                }
                #expect(
                    push.hasPrefix(#"{"jsonrpc":"2.0","method":"publication","params":{"channel":"room:a","data":{"#))
                #expect(push.contains(#","info":{"user":"ann","client":""#))
                #expect(!push.contains("\n") && !same.contains("\n"))
            }
        }

        @Test func batches() throws {
            let bus = ScriptedBus()
            try EdgeRig.run({ $0.bus = bus }) { rig in
                let client = try SocketClient(rig, "/ws?access_token=\(rig.token("ann"))")
                let batch = [
                    Self.subscribe, Self.call("ping", id: "2"), "5", Self.call("ping", id: nil),
                    Self.call("subscribe", #""channel":"nowhere:a""#, id: "3"),
                ]
                try client.send("[" + batch.joined(separator: ",") + "]")
                // Nothing of it leaves before the bus has answered.
                #expect(EdgeRig.eventually { bus.channels == ["room:a"] })
                #expect(try client.ask(Self.call("ping", id: "9")) == Self.result(id: "9"))
                bus.acknowledge("room:a")
                guard case .text(let text) = try client.next() else { return #expect(Bool(false)) }
                #expect(text.hasPrefix("[{") && text.hasSuffix("}]"))
                for part in [#""id":1,"result""#, #""id":2,"result""#, #""id":3,"error""#, #""id":null,"error""#] {
                    #expect(text.contains(part))
                }
                try client.send("[\(Self.call("ping", id: nil)),\(Self.call("ping", id: nil))]")
                #expect(try client.ask("[]") == Self.error(-32600, "invalid request", id: "null"))
                // A connection that goes takes its batch with it.
                try client.send("[\(Self.call("publish", #""channel":"room:a","data":1"#)),\(Self.call("ping"))]")
                #expect(EdgeRig.eventually { bus.waiting == 1 })
                client.close()
                #expect(EdgeRig.eventually { rig.open == 0 })
                bus.complete()
            }
        }

        @Test func aBusThatFails() async throws {
            let bus = ScriptedBus()
            try await EdgeRig.run({ $0.bus = bus }) { rig in
                let client = try SocketClient(rig, "/ws?access_token=\(rig.token("ann"))")
                try client.send(Self.subscribe)
                #expect(EdgeRig.eventually { bus.channels == ["room:a"] })
                bus.acknowledge("room:a", error: .unconfirmed)
                #expect(try client.next() == Self.error(100, "internal server error"))
                try client.send(Self.subscribe)
                #expect(EdgeRig.eventually { bus.channels == ["room:a"] })
                // Given up before the bus has answered: both are answered.
                try client.send(Self.call("unsubscribe", #""channel":"room:a""#, id: "2"))
                #expect(try client.next() == Self.error(100, "internal server error"))
                #expect(try client.next() == Self.result(id: "2"))
                #expect(await rig.extrasCount() == 0)
                client.close()
            }
        }

        @Test func anonymousWhereConfigured() throws {
            try EdgeRig.run({ $0.edge.allowsAnonymous = true }) { rig in
                let client = try SocketClient(rig, "/ws")
                #expect(try client.ask(Self.call("subscribe", #""channel":"open:a""#)) == Self.result())
                #expect(try client.ask(Self.subscribe) == Self.error(103, "permission denied"))
                #expect(try client.ask(Self.call("publish", #""channel":"open:b","data":1"#)) == Self.result())
            }
        }

        @Test func aBearerSubprotocolIsNeverEchoed() throws {
            try EdgeRig.run { rig in
                let token = rig.token("ann")
                let offers = ["bearer.\(token), jsonrpc", "bearer.\(token)"]
                for (offer, chosen) in zip(offers, ["jsonrpc", nil]) {
                    let client = try SocketClient(rig, "/ws", fields: ["Sec-WebSocket-Protocol: \(offer)"])
                    #expect(client.answer.fields["sec-websocket-protocol"] == chosen)
                    #expect(!client.answer.fields.values.contains { $0.contains(token) })
                    #expect(try client.ask(Self.subscribe) == Self.result())
                }
                let client = try LoopbackClient(port: rig.port)
                let refused = try client.ask("GET /ws", LoopbackClient.upgrade + ["Sec-WebSocket-Protocol: bearer.x"])
                #expect(refused.status == 401 && refused.fields["www-authenticate"] == "Bearer")
            }
        }

        @Test func gapsAreTold() throws {
            try EdgeRig.run { rig in
                let client = try SocketClient(rig, "/ws?access_token=\(rig.token("ann"))")
                #expect(try client.ask(Self.subscribe) == Self.result())
                rig.hub.gap(["room:b"])
                rig.hub.gap(["room:a"])
                #expect(try client.next() == .text(#"{"jsonrpc":"2.0","method":"gap","params":{"channel":"room:a"}}"#))
                rig.hub.gap(nil)
                #expect(try client.next() == .text(#"{"jsonrpc":"2.0","method":"gap","params":{"channel":"room:a"}}"#))
            }
        }

        @Test func commandsPerSecondCountWithinABatch() throws {
            try EdgeRig.run({
                $0.edge.limits.commandsPerSecond = 1
                $0.edge.limits.commandsBurst = 5
            }) { rig in
                let client = try SocketClient(rig, "/ws")
                try client.send("[" + Array(repeating: Self.call("ping"), count: 6).joined(separator: ",") + "]")
                #expect(try client.closeCode() == 3013)
            }
        }
    }
}
