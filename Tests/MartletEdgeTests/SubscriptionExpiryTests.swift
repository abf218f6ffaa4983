// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("The end of subscriptions")
    struct SubscriptionExpiryTests {
        private static func quick(_ options: inout EdgeRig.Options) {
            EdgeRig.channels(&options)
            options.edge.limits.expiryGrace = .milliseconds(300)
        }

        @Test func whatIsNotRefreshedEnds() async throws {
            try await EdgeRig.run(Self.quick) { rig in
                let client = try SocketClient.connected(rig, token: rig.token("ann"))
                let token = rig.subscriptionToken("ann", "$room:a", expiresIn: 4)
                let text = try client.command(#""subscribe":{"channel":"$room:a","token":"\#(token)"}"#)
                #expect(text.hasPrefix(#"{"id":9,"subscribe":{"expires":true,"ttl":"#))
                #expect(
                    try client.text()
                        == #"{"push":{"channel":"$room:a","unsubscribe":{"code":2501,"reason":"subscription expired"}}}"#
                )
                #expect(await rig.extrasCount() == 0)
                let again = rig.subscriptionToken("ann", "$room:a", expiresIn: nil)
                #expect(try client.code(#""subscribe":{"channel":"$room:a","token":"\#(again)"}"#) == 0)
                client.close()
            }
        }

        @Test func whatIsRefreshedGoesOn() throws {
            try EdgeRig.run(Self.quick) { rig in
                let client = try SocketClient.connected(rig, token: rig.token("ann"))
                func refresh(_ token: String, _ more: String = "") -> String {
                    #""sub_refresh":{"channel":"$room:a","token":"\#(token)"\#(more)}"#
                }
                #expect(try client.code(refresh("x")) == 103, "not subscribed")
                let token = rig.subscriptionToken("ann", "$room:a", expiresIn: 50)
                #expect(try client.code(#""subscribe":{"channel":"$room:a","token":"\#(token)"}"#) == 0)
                #expect(try client.code(refresh("")) == 107)
                #expect(try client.code(refresh("x", #","type":1"#)) == 108)
                #expect(try client.code(refresh(rig.subscriptionToken("ann", "$room:a", expiresIn: -3_600))) == 109)
                let text = try client.command(refresh(rig.subscriptionToken("ann", "$room:a", expiresIn: 100)))
                #expect(text.hasPrefix(#"{"id":9,"sub_refresh":{"expires":true,"ttl":"#))
                let never = rig.subscriptionToken("ann", "$room:a", expiresIn: nil)
                #expect(try client.command(refresh(never)) == #"{"id":9,"sub_refresh":{}}"#)
                for bad in ["x.y.z", rig.subscriptionToken("bob", "$room:a"), rig.subscriptionToken("ann", "$room:b")] {
                    let client = try SocketClient.connected(rig, token: rig.token("ann"))
                    #expect(try client.code(#""subscribe":{"channel":"$room:a","token":"\#(never)"}"#) == 0)
                    try client.send(#"{"id":2,\#(refresh(bad))}"#)
                    #expect(try client.closeCode() == 3500)
                }
            }
        }

        @Test func aServersSubscriptionEndsItsConnection() throws {
            try EdgeRig.run(Self.quick) { rig in
                var subscription = ServerSubscription(channel: "secret:a")
                subscription.expiresAt = Int64(Clock.wall) + 4
                let client = try SocketClient(rig, SocketClient.centrifuge)
                try client.send(SocketClient.connect(rig.token("ann", subscriptions: [subscription])))
                #expect(try client.text().contains(#""subs":{"secret:a":{}}"#), "its client cannot refresh it")
                #expect(try client.closeCode() == 3006)
            }
        }
    }
}
