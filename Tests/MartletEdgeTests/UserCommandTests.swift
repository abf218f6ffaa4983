// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("What back-ends do with connections")
    struct UserCommandTests {
        private static let ann = ConnectionSelector.user("ann", session: nil)

        @Test func subscribeAndUnsubscribe() async throws {
            try await EdgeRig.run({
                EdgeRig.channels(&$0)
                $0.shards = 2
            }) { rig in
                let clients = try (0..<3).map { _ in try SocketClient.connected(rig, token: rig.token("ann")) }
                let other = try SocketClient.connected(rig, token: rig.token("bob"))
                let plain = try SocketClient(rig, "/ws?access_token=\(rig.token("ann"))")
                #expect(try clients[0].code(#""subscribe":{"channel":"room:a"}"#) == 0)
                var subscription = UserCommand.Subscription(channel: "room:a")
                subscription.data = Array(#"{"d":1}"#.utf8)
                #expect(await rig.hub.perform(.subscribe(Self.ann, subscription)).count == 2)
                for client in clients[1...] {
                    #expect(
                        try client.text() == #"{"push":{"channel":"room:a","subscribe":{"data":{"d":1}}}}"#)
                }
                rig.publish("room:a", "1")
                for client in clients {
                    #expect(try client.text() == #"{"push":{"channel":"room:a","pub":{"data":1}}}"#)
                }
                #expect(await rig.hub.perform(.unsubscribe(Self.ann, channel: "room:a")).count == 3)
                for client in clients {
                    #expect(
                        try client.text()
                            == #"{"push":{"channel":"room:a","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}}"#
                    )
                }
                #expect(await rig.hub.perform(.unsubscribe(Self.ann, channel: "room:a")).count == 0)
                let unknown = UserCommand.Subscription(channel: "nowhere:a")
                #expect(await rig.hub.perform(.subscribe(Self.ann, unknown)).count == 0)
                #expect(await rig.extrasCount() == 0)
                for client in clients + [other, plain] { client.close() }
            }
        }

        @Test func subscribeWithWhatWasMissed() async throws {
            try await EdgeRig.run(EdgeRig.channels) { rig in
                let client = try SocketClient.connected(rig, token: rig.token("ann"))
                rig.publish("log:a", 1...3)
                var subscription = UserCommand.Subscription(channel: "log:a")
                subscription.since = StreamPosition(offset: 1)
                #expect(await rig.hub.perform(.subscribe(Self.ann, subscription)).count == 1)
                let text = try client.text()
                #expect(text.hasPrefix(#"{"push":{"channel":"log:a","subscribe":{"recoverable":true,"epoch":""#))
                for number in 2...3 {
                    #expect(
                        try client.text()
                            == #"{"push":{"channel":"log:a","pub":{"data":\#(number),"offset":\#(number)}}}"#)
                }
                client.close()
            }
        }

        @Test func refresh() async throws {
            try await EdgeRig.run({ $0.edge.limits.expiryGrace = .milliseconds(200) }) { rig in
                let client = try SocketClient.connected(rig, token: rig.token("ann"))
                #expect(try client.code(#""subscribe":{"channel":"room:a"}"#) == 0)
                let now = Int64(Clock.wall)
                func refresh(expired: Bool = false, expiresAt: Int64?, info: String? = nil) async -> Int {
                    await rig.hub.perform(
                        .refresh(
                            Self.ann, expired: expired, expiresAt: expiresAt, info: info.map { Array($0.utf8) })
                    ).count
                }
                #expect(await refresh(expiresAt: nil, info: #"{"n":1}"#) == 1)
                #expect(try client.text() == #"{"push":{"refresh":{}}}"#)
                try client.send(#"{"id":2,"publish":{"channel":"room:a","data":1}}"#)
                let texts = [try client.text(), try client.text()]
                #expect(texts.contains { $0.contains(#""conn_info":{"n":1}"#) })
                #expect(await refresh(expiresAt: now + 100) == 1)
                #expect(try client.text().hasPrefix(#"{"push":{"refresh":{"expires":true,"ttl":"#))
                #expect(await refresh(expiresAt: Int64(Clock.wall) + 4) == 1)
                #expect(try client.text().hasPrefix(#"{"push":{"refresh":{"expires":true,"ttl":"#))
                #expect(try client.closeCode() == 3005)
                let second = try SocketClient.connected(rig, token: rig.token("ann"))
                #expect(await refresh(expired: true, expiresAt: nil) == 1)
                #expect(try second.closeCode() == 3005)
            }
        }

        @Test func disconnectAndDescribe() async throws {
            try await EdgeRig.run { rig in
                let client = try SocketClient.connected(
                    rig, token: rig.token("ann", session: "s1", id: "t1", channels: ["room:b"]))
                #expect(try client.code(#""subscribe":{"channel":"room:a"}"#) == 0)
                let outcome = await rig.hub.perform(.describe(Self.ann))
                let connection = try #require(outcome.connections.first)
                #expect(outcome.count == 1 && outcome.connections.count == 1)
                #expect(connection.transport == "websocket" && connection.proto == "centrifuge_json")
                #expect(connection.channels == ["room:b", "room:a"])
                #expect(rig.shared.clients.connection(connection.client) != nil)
                #expect(outcome.identities.map(\.user) == ["ann"])
                let selectors: [(ConnectionSelector, Int)] = [
                    (.session("s1"), 1), (.session("t1"), 0), (.token("t1"), 1), (.token("s1"), 0),
                ]
                for (selector, count) in selectors {
                    #expect(await rig.hub.perform(.describe(selector)).connections.count == count)
                }
                let notice = try #require(CloseNotice(code: 4321, text: "enough"))
                #expect(await rig.hub.perform(.disconnect(Self.ann, notice)).count == 1)
                #expect(try client.next() == .close(4321, "enough"))
                #expect(EdgeRig.eventually { rig.open == 0 })
                #expect(await rig.hub.perform(.disconnect(Self.ann, notice)).count == 0)
            }
        }
    }
}
