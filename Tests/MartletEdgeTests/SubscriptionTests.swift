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
    @Suite("Centrifuge subscriptions")
    struct SubscriptionTests {
        private static func subscribe(_ channel: String, _ token: String) -> String {
            #""subscribe":{"channel":"\#(channel)","token":"\#(token)"}"#
        }

        @Test func aTokenForTheChannelOpensIt() async throws {
            try await EdgeRig.run(EdgeRig.channels) { rig in
                let client = try SocketClient.connected(rig, token: rig.token("ann"))
                for channel in ["$room:a", "secret:b"] {
                    #expect(try client.code(#""subscribe":{"channel":"\#(channel)"}"#) == 103)
                    let token = rig.subscriptionToken("ann", channel, expiresIn: nil)
                    #expect(
                        try client.command(Self.subscribe(channel, token)) == #"{"id":9,"subscribe":{}}"#)
                    #expect(try client.code(Self.subscribe(channel, token)) == 105)
                }
                #expect(await rig.extrasCount() == 0, "nothing is kept of a token that says no more")
                let token = rig.subscriptionToken("ann", "$room:c", info: #"{"role":"a"}"#)
                let text = try client.command(Self.subscribe("$room:c", token))
                #expect(text.hasPrefix(#"{"id":9,"subscribe":{"expires":true,"ttl":3"#))
                #expect(await rig.extrasCount() == 1)
                try client.send(#"{"id":8,"publish":{"channel":"$room:c","data":1}}"#)
                let texts = [try client.text(), try client.text()]
                #expect(texts.contains { $0.hasSuffix(#","chan_info":{"role":"a"}}}}}"#) })
                #expect(try client.command(#""unsubscribe":{"channel":"$room:c"}"#) == #"{"id":9,"unsubscribe":{}}"#)
                #expect(await rig.extrasCount() == 0)
                client.close()
            }
        }

        @Test func tokensThatAreNoGood() throws {
            try EdgeRig.run(EdgeRig.channels) { rig in
                let client = try SocketClient.connected(rig, token: rig.token("ann"))
                #expect(try client.code(Self.subscribe("$room:a", "not.a.token")) == 103)
                #expect(try client.code(Self.subscribe("room:a", "not.a.token")) == 103, "even where none is needed")
                #expect(try client.code(Self.subscribe("$room:a", rig.token("ann"))) == 103)
                let expired = rig.subscriptionToken("ann", "$room:a", expiresIn: -3_600)
                #expect(try client.code(Self.subscribe("$room:a", expired)) == 109)
                // Its leeway is over what the grace allows: it would end at once.
                let late = rig.subscriptionToken("ann", "$room:a", expiresIn: -40)
                #expect(try client.code(Self.subscribe("$room:a", late)) == 109)
                #expect(try client.code(Self.subscribe("nowhere:a", expired)) == 102)
                let names = [("bob", "$room:a", ""), ("ann", "$room:b", ""), ("ann", "$room:a", "another")]
                for (user, channel, other) in names {
                    let client = try SocketClient.connected(rig, token: rig.token("ann"))
                    let token = rig.subscriptionToken(user, channel, client: other)
                    try client.send(#"{"id":2,\#(Self.subscribe("$room:a", token))}"#)
                    #expect(try client.closeCode() == 3500)
                }
            }
        }

        @Test func aTokenForOneConnection() throws {
            try EdgeRig.run(EdgeRig.channels) { rig in
                let client = try SocketClient(rig, SocketClient.centrifuge)
                try client.send(SocketClient.connect(rig.token("ann")))
                let text = try client.text()
                let start = try #require(text.range(of: #""client":""#))
                let name = String(text[start.upperBound...].prefix { $0 != "\"" })
                let token = rig.subscriptionToken("ann", "$room:a", client: name)
                #expect(try client.code(Self.subscribe("$room:a", token)) == 0)
            }
        }

        @Test func recoveryByTheRulesOfTheSDKs() throws {
            try EdgeRig.run(EdgeRig.channels) { rig in
                let client = try SocketClient.connected(rig, token: rig.token("ann"))
                rig.publish("log:a", 1...2)
                let first = try client.command(#""subscribe":{"channel":"log:a","recoverable":true}"#)
                let epoch = try #require(Self.value("epoch", first))
                #expect(
                    first
                        == #"{"id":9,"subscribe":{"recoverable":true,"epoch":"\#(epoch)","offset":2,"positioned":true}}"#
                )
                rig.publish("log:a", 3...3)
                #expect(try client.text() == #"{"push":{"channel":"log:a","pub":{"data":3,"offset":3}}}"#)
                #expect(try client.code(#""unsubscribe":{"channel":"log:a"}"#) == 0)
                rig.publish("log:a", 4...6)
                func recover(_ offset: Int, _ epoch: String, _ more: String = "") throws -> String {
                    defer { _ = try? client.command(#""unsubscribe":{"channel":"log:a"}"#) }
                    return try client.command(
                        #""subscribe":{"channel":"log:a","recover":true,"recoverable":true,"offset":\#(offset),"#
                            + #""epoch":"\#(epoch)"\#(more)}"#)
                }
                let begin = #"{"id":9,"subscribe":{"recoverable":true,"epoch":"\#(epoch)","#
                #expect(
                    try recover(3, epoch)
                        == begin + #""publications":[{"data":4,"offset":4},{"data":5,"offset":5},"#
                        + #"{"data":6,"offset":6}],"recovered":true,"offset":3,"positioned":true,"was_recovering":true}}"#
                )
                #expect(
                    try recover(6, epoch)
                        == begin + #""recovered":true,"offset":6,"positioned":true,"was_recovering":true}}"#)
                // The second has fallen out of the history.
                let lost = begin + #""offset":6,"positioned":true,"was_recovering":true}}"#
                #expect(try recover(0, epoch) == lost)
                #expect(try recover(3, "_") == lost)
                let refused = SocketClient.error(112, "unrecoverable position")
                #expect(try recover(3, "_", #","flag":2"#) == refused)
                #expect(try recover(6, epoch, #","flag":2"#).contains(#""recovered":true"#))
            }
        }

        @Test func aRefusedRecoveryLeavesNothing() async throws {
            try await EdgeRig.run({
                EdgeRig.channels(&$0)
                var log = NamespaceOptions(name: "log", subscribe: .authenticated)
                (log.historySize, log.presence, log.joinLeave, log.forceJoinLeave) = (5, true, true, true)
                $0.edge.namespaces = NamespaceTable([log])
            }) { rig in
                let witness = try SocketClient.connected(rig, token: rig.token("bob"))
                #expect(try witness.code(#""subscribe":{"channel":"log:a"}"#) == 0)
                #expect(try witness.text().contains(#""join""#))
                let client = try SocketClient.connected(rig, token: rig.token("ann"))
                let request = #""subscribe":{"channel":"log:a","recover":true,"offset":7,"epoch":"x","flag":2}"#
                #expect(try client.code(request) == 112)
                #expect(try client.code(request) == 112, "it is not subscribed")
                // Nobody heard of it.
                #expect(
                    try witness.command(#""presence_stats":{"channel":"log:a"}"#)
                        == #"{"id":9,"presence_stats":{"num_clients":1,"num_users":1}}"#)
                #expect(await rig.extrasCount() == 0)
                client.close()
                witness.close()
            }
        }

        @Test func theLatestFromACache() throws {
            try EdgeRig.run(EdgeRig.channels) { rig in
                let client = try SocketClient.connected(rig, token: rig.token("ann"))
                rig.publish("last:a", 1...3)
                let text = try client.command(#""subscribe":{"channel":"last:a","recover":true}"#)
                #expect(text.contains(#""publications":[{"data":3,"offset":3}],"recovered":true"#))
                let empty = try client.command(#""subscribe":{"channel":"last:b","recover":true}"#)
                #expect(!empty.contains(#""recovered""#) && empty.contains(#""was_recovering":true"#))
            }
        }

        @Test func wishesNeedWhatTheNamespaceHas() throws {
            try EdgeRig.run(EdgeRig.channels) { rig in
                let client = try SocketClient.connected(rig, token: rig.token("ann"))
                let wishes = #""positioned":true,"recoverable":true,"recover":true,"join_leave":true,"delta":"fossil""#
                #expect(
                    try client.command(#""subscribe":{"channel":"room:a",\#(wishes)}"#) == #"{"id":9,"subscribe":{}}"#)
                // Where there is a history nobody need wish for it.
                let plain = try client.command(#""subscribe":{"channel":"log:a"}"#)
                #expect(plain.contains(#""positioned":true"#) && plain.contains(#""recoverable":true"#))
                let token = rig.subscriptionToken("ann", "log:c", expiresIn: nil) { $0.forceRecovery = true }
                #expect(try client.command(Self.subscribe("log:c", token)).contains(#""recoverable":true"#))
            }
        }

        @Test func whoIsRevokedOrGoneWhileItWaitsIsForgotten() throws {
            let bus = ScriptedBus()
            try EdgeRig.run({ $0.bus = bus }) { rig in
                let token = rig.subscriptionToken("ann", "$room:a", info: "1")
                let clients = try (0..<3).map { index in
                    try SocketClient.connected(rig, token: rig.token("ann", session: "s\(index)"))
                }
                for client in clients { try client.send(#"{"id":2,\#(Self.subscribe("$room:a", token))}"#) }
                #expect(EdgeRig.eventually { rig.hubMetrics.subscriptions.current == 3 })
                rig.invalidate(.session("s0"))
                #expect(try clients[0].closeCode() == 4500)
                clients[1].close()
                #expect(EdgeRig.eventually { rig.open == 1 })
                try clients[2].send(#"{"id":3,"unsubscribe":{"channel":"$room:a"}}"#)
                #expect(
                    try clients[2].text()
                        == #"{"id":2,"error":{"code":100,"message":"internal server error","temporary":true}}"#)
                #expect(try clients[2].text() == #"{"id":3,"unsubscribe":{}}"#)
                bus.acknowledge("$room:a")
                #expect(try clients[2].code(#""presence":{"channel":"$room:a"}"#) == 108)
            }
        }

        static func value(_ name: String, _ text: String) -> String? {
            guard let start = text.range(of: #""\#(name)":""#) else { return nil }
            return String(text[start.upperBound...].prefix { $0 != "\"" })
        }
    }
}
