// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore
import MartletHub
import MartletInstruments
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Centrifuge JSON")
    struct CentrifugeTests {
        private static let connected = #"{"id":1,"connect":{"client":""#

        @Test func connectAndSubscribeInOneFrame() throws {
            try EdgeRig.run { rig in
                let client = try SocketClient(
                    rig, SocketClient.centrifuge, fields: ["Sec-WebSocket-Protocol: centrifuge-json"])
                #expect(client.answer.fields["sec-websocket-protocol"] == "centrifuge-json")
                try client.send(SocketClient.connect(rig.token("ann")) + "\n" + SocketClient.subscribe("room:a") + "\n")
                guard case .text(let text) = try client.next() else { return #expect(Bool(false)) }
                #expect(text.hasPrefix(Self.connected))
                #expect(text.contains(#""version":"test","expires":true,"ttl":3"#))
                #expect(text.hasSuffix(#","ping":25,"pong":true}}"#))
                #expect(try client.next() == .text(#"{"id":2,"subscribe":{}}"#))
                // A reconnect storm is bound by tokens: each is looked at once.
                #expect(rig.metrics.exposition().contains("martlet_tokens_verified_total 1\n"))
                rig.publish("room:a", #"{"n":1}"#)
                #expect(try client.next() == .text(#"{"push":{"channel":"room:a","pub":{"data":{"n":1}}}}"#))
                #expect(
                    try client.ask(#"{"id":3,"unsubscribe":{"channel":"room:a"}}"#)
                        == .text(#"{"id":3,"unsubscribe":{}}"#))
                rig.publish("room:a", "2")
                // A channel that it has not is no failure.
                #expect(
                    try client.ask(#"{"id":4,"unsubscribe":{"channel":"room:a"}}"#)
                        == .text(#"{"id":4,"unsubscribe":{}}"#))
                #expect(try client.ask(#"{"id":5,"ping":{}}"#) == .text(#"{"id":5,"ping":{}}"#))
            }
        }

        @Test func errorsOfCommands() throws {
            try EdgeRig.run({ $0.edge.limits.subscriptionsMax = 2 }) { rig in
                let client = try SocketClient.connected(rig, token: rig.token("ann", channels: ["secret:mine"]))
                func code(_ command: String) throws -> Int? {
                    guard case .text(let text) = try client.ask(#"{"id":9,\#(command)}"#) else { return nil }
                    guard let start = text.range(of: #""code":"#) else { return text.contains("error") ? nil : 0 }
                    return Int(text[start.upperBound...].prefix { $0.isNumber })
                }
                func subscribe(_ channel: String) throws -> Int? { try code(#""subscribe":{"channel":"\#(channel)"}"#) }
                #expect(try subscribe("nowhere:a") == 102)
                #expect(try subscribe("secret:other") == 103)
                #expect(try subscribe("$room:a") == 103)
                #expect(try subscribe("room:a#bob") == 103)
                #expect(try subscribe("with space") == 107)
                #expect(try subscribe("room:é") == 107)
                #expect(try subscribe("room:" + String(repeating: "a", count: 251)) == 107)
                // Its token has subscribed it already.
                #expect(try subscribe("secret:mine") == 105)
                #expect(try subscribe("room:a#ann") == 0)
                #expect(try subscribe("room:b") == 106)
                #expect(try code(#""subscribe":{"channel":"room:c","type":1}"#) == 108)
                #expect(try code(#""publish":{"channel":"room:b","data":{}}"#) == 103)
                #expect(try code(#""publish":{"channel":"nowhere:b","data":{}}"#) == 102)
                for other in ["presence", "presence_stats", "history"] {
                    #expect(try code(#""\#(other)":{"channel":"room:a"}"#) == 108)
                }
                #expect(try code(#""rpc":{"method":"x","data":{}}"#) == 108)
            }
        }

        @Test func abuseEndsTheConnection() throws {
            let abuses: [(text: String, code: UInt16)] = [
                (#"{"id":2,"send":{"data":{}}}"#, 3508), (#"{"send":{"data":{}}}"#, 3508),
                (#"{"id":2}"#, 3501), (#"{"id":2,"unheard":{}}"#, 3501), (#"{}"#, 3501), ("", 3501), ("{", 3501),
                ("[]", 3501),
                (#"{"id":0,"ping":{}}"#, 3501), (#"{"id":2,"connect":{}}"#, 3501),
                (#"{"id":2,"refresh":{"token":""}}"#, 3501),
                (#"{"id":2,"refresh":{"token":"x"}}"#, 3500), (#"{"id":2,"subscribe":{"channel":""}}"#, 3501),
                (#"{"id":2,"publish":{"channel":"","data":1}}"#, 3501),
                (#"{"id":2,"publish":{"channel":"room:a"}}"#, 3501),
                (#"{"id":2,"unsubscribe":{}}"#, 3501),
                ("{\"id\":2,\"ping\":{}}\n\n{\"id\":3,\"ping\":{}}", 3501),
            ]
            try EdgeRig.run { rig in
                // Side by side: each is held for two seconds for the sake of a close frame that does not come.
                let clients = try abuses.map { abuse in
                    let client = try SocketClient.connected(rig, token: rig.token("ann"))
                    try client.send(abuse.text)
                    #expect(try client.closeCode() == abuse.code, "\(abuse.text)")
                    return client
                }
                for (client, abuse) in zip(clients, abuses) { #expect(try client.next() == .end, "\(abuse.text)") }
            }
        }

        @Test(
            arguments: [
                (SocketClient.subscribe("open:a"), 3501), (SocketClient.connect(nil), 3501), ("{}", 3501),
                (SocketClient.connect("not.a.token"), 3500), (#"{"id":0,"connect":{}}"#, 3501),
            ] as [(String, UInt16)])
        func abuseBeforeTheConnect(text: String, code: UInt16) throws {
            try EdgeRig.run { rig in
                let client = try SocketClient(rig, SocketClient.centrifuge)
                try client.send(text)
                #expect(try client.closeCode() == code)
            }
        }

        @Test func anExpiredTokenIsAnErrorAndThenAbuse() throws {
            try EdgeRig.run { rig in
                let client = try SocketClient(rig, SocketClient.centrifuge)
                let expired = SocketClient.connect(rig.token("ann", age: 7_200, expiresIn: -3_600))
                #expect(try client.ask(expired) == .text(#"{"id":1,"error":{"code":109,"message":"token expired"}}"#))
                #expect(try client.ask(SocketClient.connect(rig.token("ann"))) == .close(3501, "bad request"))
            }
        }

        @Test func aTokenMayComeWithTheRequest() async throws {
            try await EdgeRig.run { rig in
                let target = SocketClient.centrifuge + "?access_token=\(rig.token("ann"))"
                let client = try SocketClient(rig, target)
                guard case .text(let text) = try client.ask(SocketClient.connect(nil)) else {
                    return #expect(Bool(false))
                }
                #expect(text.hasPrefix(Self.connected))
                // An idle connection costs its record and nothing else.
                #expect(await rig.extrasCount() == 0)
                client.close()
            }
        }

        @Test func anonymousWhereConfigured() throws {
            try EdgeRig.run({ $0.edge.allowsAnonymous = true }) { rig in
                let client = try SocketClient.connected(rig, token: nil)
                #expect(try client.ask(SocketClient.subscribe("open:a")) == .text(#"{"id":2,"subscribe":{}}"#))
                #expect(
                    try client.ask(SocketClient.subscribe("room:a"))
                        == .text(#"{"id":2,"error":{"code":103,"message":"permission denied"}}"#))
            }
        }

        @Test func subscribersSeeWhoPublished() throws {
            try EdgeRig.run { rig in
                let token = rig.token("ann", info: #"{"name":"Ann"}"#)
                let (ann, bob) = (
                    try SocketClient.connected(rig, token: token),
                    try SocketClient.connected(rig, token: rig.token("bob"))
                )
                for client in [ann, bob] { #expect(try client.ask(SocketClient.subscribe("room:a")) != .end) }
                try ann.send(#"{"id":3,"publish":{"channel":"room:a","data":{"x":[1,"\u00e9"]}}}"#)
                guard case .text(let push) = try bob.next() else { return #expect(Bool(false)) }
                #expect(
                    push.hasPrefix(
                        #"{"push":{"channel":"room:a","pub":{"data":{"x":[1,"\u00e9"]},"info":{"user":"ann","client":""#
                    ))
                #expect(push.hasSuffix(#"","conn_info":{"name":"Ann"}}}}}"#))
                let both = Set([try ann.next(), try ann.next()].map { "\($0)" })
                #expect(both == ["\(SocketClient.Message.text(push))", #"text("{\"id\":3,\"publish\":{}}")"#])
            }
        }

        @Test func theReplyPrecedesPublicationsHoweverLate() throws {
            let bus = ScriptedBus()
            try EdgeRig.run({ $0.bus = bus }) { rig in
                let clients = try (0..<2).map { _ in try SocketClient.connected(rig, token: rig.token("ann")) }
                for client in clients { try client.send(SocketClient.subscribe("room:a")) }
                #expect(EdgeRig.eventually { rig.hubMetrics.subscriptions.current == 2 })
                bus.deliver("room:a", "0")
                bus.acknowledge("room:a")
                bus.deliver("room:a", "1")
                for client in clients {
                    #expect(try client.next() == .text(#"{"id":2,"subscribe":{}}"#))
                    #expect(try client.next() == .text(#"{"push":{"channel":"room:a","pub":{"data":1}}}"#))
                }
            }
        }

        @Test func aBusThatFailsIsATemporaryError() throws {
            let bus = ScriptedBus()
            try EdgeRig.run({ $0.bus = bus }) { rig in
                let clients = try (0..<3).map { _ in try SocketClient.connected(rig, token: rig.token("ann")) }
                for client in clients { try client.send(SocketClient.subscribe("room:a")) }
                #expect(EdgeRig.eventually { rig.hubMetrics.subscriptions.current == 3 })
                bus.acknowledge("room:a", error: .unavailable)
                let error = #""error":{"code":100,"message":"internal server error","temporary":true}}"#
                for client in clients { #expect(try client.next() == .text(#"{"id":2,"# + error)) }
                #expect(rig.hubMetrics.subscriptions.current == 0 && bus.channels.isEmpty)
                // It may try again.
                try clients[0].send(SocketClient.subscribe("room:a", id: 3))
                #expect(EdgeRig.eventually { bus.channels == ["room:a"] })
                bus.acknowledge("room:a")
                #expect(try clients[0].next() == .text(#"{"id":3,"subscribe":{}}"#))
                try clients[0].send(#"{"id":4,"publish":{"channel":"room:a","data":1}}"#)
                #expect(EdgeRig.eventually { bus.waiting == 1 })
                bus.complete(.overloaded)
                #expect(
                    try clients[0].next()
                        == .text(#"{"id":4,"error":{"code":111,"message":"too many requests","temporary":true}}"#))
                // An outcome that comes after its connection has gone is for nobody.
                try clients[0].send(#"{"id":5,"publish":{"channel":"room:a","data":1}}"#)
                #expect(EdgeRig.eventually { bus.waiting == 1 })
                clients[0].close()
                #expect(EdgeRig.eventually { rig.open == 2 })
                bus.complete()
            }
        }

        @Test func commandsPerSecond() throws {
            try EdgeRig.run({
                $0.edge.limits.commandsPerSecond = 1
                $0.edge.limits.commandsBurst = 5
            }) { rig in
                let client = try SocketClient.connected(rig, token: rig.token("ann"))
                try client.send((2..<10).map { #"{"id":\#($0),"ping":{}}"# }.joined(separator: "\n"))
                for id in 2..<6 { #expect(try client.next() == .text(#"{"id":\#(id),"ping":{}}"#)) }
                #expect(try client.next() == .close(3013, "too many requests"))
            }
        }
    }
}
