// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore
import MartletHub
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Subscriptions of the server's making")
    struct ServerSubscriptionTests {
        private static let internalError =
            #"{"id":1,"error":{"code":100,"message":"internal server error","temporary":true}}"#

        @Test func theTokensChannelsAreThereFromTheBeginning() async throws {
            try await EdgeRig.run(EdgeRig.channels) { rig in
                var detailed = ServerSubscription(channel: "who:a")
                (detailed.info, detailed.data) = (Array("1".utf8), Array(#"{"d":2}"#.utf8))
                detailed.overrides.joinLeave = false
                let plain = ServerSubscription(channel: "secret:b")
                let client = try SocketClient(rig, SocketClient.centrifuge)
                let token = rig.token("ann", subscriptions: [plain, detailed, ServerSubscription(channel: "log:c")])
                // What follows the connect in its frame waits with it.
                try client.send(SocketClient.connect(token) + "\n" + SocketClient.subscribe("room:x") + "\n")
                let text = try client.text()
                #expect(
                    text.contains(
                        #""subs":{"log:c":{"recoverable":true,"epoch":""#))
                #expect(text.contains(#""positioned":true},"secret:b":{},"who:a":{"data":{"d":2}}},"ping":25"#))
                #expect(try client.text() == #"{"id":2,"subscribe":{}}"#)
                rig.publish("secret:b", "1")
                #expect(try client.text() == #"{"push":{"channel":"secret:b","pub":{"data":1}}}"#)
                #expect(try client.command(#""presence":{"channel":"who:a"}"#).hasSuffix(#""chan_info":1}}}}"#))
                #expect(await rig.extrasCount() == 1, "what is shown to others is kept")
                client.close()
            }
        }

        @Test func theAnswerComesWhenAllAreThereAndBeforeWhatIsPublished() throws {
            let bus = ScriptedBus()
            try EdgeRig.run({ $0.bus = bus }) { rig in
                let client = try SocketClient(rig, SocketClient.centrifuge)
                try client.send(
                    SocketClient.connect(rig.token("ann", channels: ["room:a", "room:b"])) + "\n"
                        + #"{"id":2,"ping":{}}"#)
                try client.send(#"{"id":3,"ping":{}}"#)
                #expect(EdgeRig.eventually { bus.channels.count == 2 })
                bus.acknowledge("room:a")
                bus.deliver("room:a", "1")
                bus.deliver("room:a", "2")
                bus.acknowledge("room:b")
                bus.deliver("room:b", "3")
                #expect(try client.text().contains(#""subs":{"room:a":{},"room:b":{}}"#))
                for (channel, data) in [("room:a", 1), ("room:a", 2)] {
                    #expect(try client.text() == #"{"push":{"channel":"\#(channel)","pub":{"data":\#(data)}}}"#)
                }
                let rest = Set([try client.text(), try client.text(), try client.text()])
                #expect(
                    rest == [
                        #"{"push":{"channel":"room:b","pub":{"data":3}}}"#, #"{"id":2,"ping":{}}"#,
                        #"{"id":3,"ping":{}}"#,
                    ])
                bus.deliver("room:a", "4")
                #expect(try client.text() == #"{"push":{"channel":"room:a","pub":{"data":4}}}"#)
            }
        }

        @Test func aChannelThatCannotBeHad() throws {
            let bus = ScriptedBus()
            try EdgeRig.run({ $0.bus = bus }) { rig in
                let client = try SocketClient(rig, SocketClient.centrifuge)
                try client.send(
                    SocketClient.connect(rig.token("ann", channels: ["room:a", "room:b"])) + "\n"
                        + SocketClient.subscribe("room:c"))
                #expect(EdgeRig.eventually { bus.channels.count == 2 })
                bus.acknowledge("room:a")
                bus.deliver("room:a", "1")
                bus.acknowledge("room:b", error: .unavailable)
                #expect(try client.text() == Self.internalError)
                // The connection is good for nothing more, and what waited is abuse.
                #expect(try client.closeCode() == 3501)
            }
        }

        @Test func whoWaitsTooLong() throws {
            let bus = ScriptedBus()
            try EdgeRig.run({
                $0.bus = bus
                $0.edge.limits.handshakeDeadline = .seconds(2)
            }) { rig in
                let client = try SocketClient(rig, SocketClient.centrifuge)
                try client.send(SocketClient.connect(rig.token("ann", session: "s", channels: ["room:a"])))
                #expect(try client.closeCode() == 3004)
                let second = try SocketClient(rig, SocketClient.centrifuge)
                try second.send(SocketClient.connect(rig.token("ann", session: "s", channels: ["room:a", "room:b"])))
                #expect(EdgeRig.eventually { bus.channels.count == 2 })
                bus.acknowledge("room:a")
                rig.invalidate(.session("s"))
                #expect(try second.closeCode() == 4500)
                let third = try SocketClient(rig, SocketClient.centrifuge)
                try third.send(SocketClient.connect(rig.token("bob", channels: ["room:a", "room:b"])))
                #expect(EdgeRig.eventually { bus.channels.count == 2 })
                third.close()
            }
        }

        @Test func moreThanItMayHave() throws {
            try EdgeRig.run({ $0.edge.limits.subscriptionsMax = 1 }) { rig in
                let client = try SocketClient(rig, SocketClient.centrifuge)
                try client.send(SocketClient.connect(rig.token("ann", channels: ["room:a", "room:b"])))
                #expect(try client.closeCode() == 3505)
                for (channel, code, text) in [
                    ("nowhere:a", 102, "unknown channel"), ("room: a", 107, "bad request"),
                ] {
                    let client = try SocketClient(rig, SocketClient.centrifuge)
                    try client.send(SocketClient.connect(rig.token("ann", channels: [channel])))
                    #expect(try client.text() == SocketClient.error(code, text, id: 1))
                }
            }
        }

        @Test func personalChannels() throws {
            try EdgeRig.run({ $0.edge.personalChannels = "room" }) { rig in
                let client = try SocketClient(rig, SocketClient.centrifuge)
                try client.send(SocketClient.connect(rig.token("ann")))
                #expect(try client.text().contains(#""subs":{"room:#ann":{}}"#))
                rig.publish("room:#ann", "1")
                #expect(try client.text() == #"{"push":{"channel":"room:#ann","pub":{"data":1}}}"#)
                // The name of such a channel would let others in.
                for user in ["a,b", "a#b", "a b", "é", String(repeating: "a", count: 300)] {
                    let client = try SocketClient(rig, SocketClient.centrifuge)
                    try client.send(SocketClient.connect(rig.token(user)))
                    #expect(try !client.text().contains("subs"))
                }
            }
            try EdgeRig.run({
                $0.edge.personalChannels = ""
                $0.edge.allowsAnonymous = true
            }) { rig in
                let client = try SocketClient(rig, SocketClient.centrifuge)
                try client.send(SocketClient.connect(rig.token("ann", channels: ["#ann"])))
                #expect(try client.text().contains(##""subs":{"#ann":{}}"##))
                // What precedes a colon is a namespace, and that there is none is no reason to keep a user out.
                let odd = try SocketClient(rig, SocketClient.centrifuge)
                try odd.send(SocketClient.connect(rig.token("auth:42")))
                #expect(try odd.text().hasPrefix(#"{"id":1,"connect":{"#))
                let anonymous = try SocketClient(rig, SocketClient.centrifuge)
                try anonymous.send(SocketClient.connect(nil))
                #expect(try !anonymous.text().contains("subs"))
            }
        }

        @Test func theConnectBringsBackWhatWasMissed() throws {
            try EdgeRig.run(EdgeRig.channels) { rig in
                let token = rig.token("ann", channels: ["log:a", "log:b"])
                rig.publish("log:a", 1...2)
                let first = try SocketClient(rig, SocketClient.centrifuge)
                try first.send(SocketClient.connect(token))
                let text = try first.text()
                let start = try #require(text.range(of: #""log:a":{"recoverable":true,"epoch":""#))
                let epoch = text[start.upperBound...].prefix { $0 != "\"" }
                #expect(text.contains(#""offset":2,"positioned":true}"#))
                first.close()
                rig.publish("log:a", 3...4)
                let second = try SocketClient(rig, SocketClient.centrifuge)
                try second.send(
                    #"{"id":1,"connect":{"token":"\#(token)","subs":{"log:a":{"recover":true,"offset":2,"#
                        + #""epoch":"\#(epoch)"},"log:b":{"recover":true,"offset":9,"epoch":"x"},"room:z":{}}}}"#)
                let answer = try second.text()
                #expect(
                    answer.contains(
                        #""publications":[{"data":3,"offset":3},{"data":4,"offset":4}],"recovered":true,"offset":2,"#
                            + #""positioned":true,"was_recovering":true}"#))
                #expect(answer.contains(#""positioned":true,"was_recovering":true},"#) || answer.contains("log:b"))
                #expect(!answer.contains("room:z"))
                rig.publish("log:a", 5...5)
                #expect(try second.text() == #"{"push":{"channel":"log:a","pub":{"data":5,"offset":5}}}"#)
            }
        }
    }
}
