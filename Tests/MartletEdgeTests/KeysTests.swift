// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletSessions
import Synchronization
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Keys that come late")
    struct KeysTests {
        /// Counts who asks for keys.
        private final class Asked: Sendable {
            private let count = Mutex(0)

            var current: Int { self.count.withLock { $0 } }
            func add() { self.count.withLock { $0 += 1 } }
        }

        private static func options(_ issuer: KeyIssuer, _ asked: Asked, _ options: inout EdgeRig.Options) {
            options.verifier.hmacSecrets = []
            options.verifier.jwksURL = issuer.url
            options.verifier.jwksCooldown = .milliseconds(1)
            options.edge.limits.handshakeDeadline = .seconds(4)
            options.fetchKeys = { asked.add() }
        }

        @Test func whoWaitsGoesOnWhenTheKeysHaveCome() async throws {
            let (issuer, asked) = (try KeyIssuer(), Asked())
            defer { issuer.stop() }
            try await EdgeRig.run({
                Self.options(issuer, asked, &$0)
                $0.edge.limits.handshakeDeadline = .seconds(60)
            }) { rig in
                let token = try issuer.token("ann")
                let centrifuge = try SocketClient(rig, SocketClient.centrifuge)
                try centrifuge.send(SocketClient.connect(token) + "\n" + SocketClient.subscribe("room:a"))
                try centrifuge.send(SocketClient.subscribe("room:b", id: 3))
                let plain = try SocketClient(rig, "/ws")
                try plain.send(#"{"jsonrpc":"2.0","id":1,"method":"connect","params":{"token":"\#(token)"}}"#)
                try plain.send(#"{"jsonrpc":"2.0","id":2,"method":"subscribe","params":{"channel":"room:a"}}"#)
                let events = try LoopbackClient(port: rig.port)
                try events.send(LoopbackClient.request("GET /events?channel=room:a&access_token=\(token)"))
                let upgrade = try LoopbackClient(port: rig.port)
                try upgrade.send(LoopbackClient.request("GET /ws?access_token=\(token)", LoopbackClient.upgrade))
                #expect(EdgeRig.eventually { asked.current == 4 })
                #expect(EdgeRig.eventually { rig.shared.placesTaken == 2 }, "who waits for its answer holds no place")
                issuer.publish()
                await rig.verifier.refreshKeys()
                rig.hub.tellAll(.keysRefreshed)
                guard case .text(let text) = try centrifuge.next() else { return #expect(Bool(false)) }
                #expect(text.hasPrefix(#"{"id":1,"connect":{"client":"#))
                #expect(try centrifuge.next() == .text(#"{"id":2,"subscribe":{}}"#))
                #expect(try centrifuge.next() == .text(#"{"id":3,"subscribe":{}}"#))
                guard case .text(let answer) = try plain.next() else { return #expect(Bool(false)) }
                #expect(answer.hasPrefix(#"{"jsonrpc":"2.0","id":1,"result":{"client":"#))
                #expect(try plain.next() == .text(#"{"jsonrpc":"2.0","id":2,"result":{}}"#))
                #expect(try HTTPAnswer(events).fields["content-type"] == "text/event-stream; charset=utf-8")
                #expect(try HTTPAnswer(upgrade).status == 101)
                #expect(await rig.extrasCount() == 0)
                for client in [centrifuge.client, plain.client, events, upgrade] { client.close() }
            }
        }

        @Test func whoWaitsInVainIsToldToComeLater() throws {
            let (issuer, asked) = (try KeyIssuer(), Asked())
            defer { issuer.stop() }
            try EdgeRig.run({ Self.options(issuer, asked, &$0) }) { rig in
                let token = try issuer.token("ann")
                let centrifuge = try SocketClient(rig, SocketClient.centrifuge)
                try centrifuge.send(SocketClient.connect(token) + "\n" + SocketClient.subscribe("room:a"))
                let plain = try SocketClient(rig, "/ws")
                let connect = #"{"jsonrpc":"2.0","id":1,"method":"connect","params":{"token":"\#(token)"}}"#
                try plain.send("[\(connect)]")
                let events = try LoopbackClient(port: rig.port)
                try events.send(LoopbackClient.request("GET /events?channel=room:a&access_token=\(token)"))
                let upgrade = try LoopbackClient(port: rig.port)
                try upgrade.send(LoopbackClient.request("GET /ws?access_token=\(token)", LoopbackClient.upgrade))
                let gone = try LoopbackClient(port: rig.port)
                try gone.send(LoopbackClient.request("GET /ws?access_token=\(token)", LoopbackClient.upgrade))
                #expect(EdgeRig.eventually { asked.current == 5 })
                gone.close()
                rig.hub.tellAll(.keysRefreshed)
                #expect(
                    try centrifuge.next()
                        == .text(#"{"id":1,"error":{"code":100,"message":"internal server error","temporary":true}}"#))
                // The subscription came after a connect that failed.
                #expect(try centrifuge.next() == .close(3501, "bad request"))
                #expect(
                    try plain.next()
                        == .text(
                            #"[{"jsonrpc":"2.0","id":1,"error":{"code":100,"message":"internal server error"}}]"#))
                let later = try HTTPAnswer(events)
                #expect(later.status == 200 && later.body.hasPrefix("retry: "))
                #expect(try HTTPAnswer(upgrade).status == 503)
            }
        }

        @Test func aFetchThatFailedAMomentAgoIsNoFaultOfTheClient() async throws {
            let (issuer, asked) = (try KeyIssuer(), Asked())
            defer { issuer.stop() }
            try await EdgeRig.run({
                Self.options(issuer, asked, &$0)
                $0.verifier.jwksTimeout = .milliseconds(100)
                $0.verifier.jwksCooldown = .seconds(600)
                $0.edge.limits.handshakeDeadline = .seconds(60)
            }) { rig in
                let token = try issuer.token("ann")
                // The issuer accepts, and answers nothing.
                await rig.verifier.refreshKeys()
                let centrifuge = try SocketClient(rig, SocketClient.centrifuge)
                try centrifuge.send(SocketClient.connect(token))
                let events = try LoopbackClient(port: rig.port)
                try events.send(LoopbackClient.request("GET /events?channel=room:a&access_token=\(token)"))
                let upgrade = try LoopbackClient(port: rig.port)
                try upgrade.send(LoopbackClient.request("GET /ws?access_token=\(token)", LoopbackClient.upgrade))
                #expect(EdgeRig.eventually { asked.current == 3 })
                rig.hub.tellAll(.keysRefreshed)
                #expect(
                    try centrifuge.next()
                        == .text(#"{"id":1,"error":{"code":100,"message":"internal server error","temporary":true}}"#))
                #expect(try HTTPAnswer(events).status == 200)
                #expect(try HTTPAnswer(upgrade).status == 503)
            }
        }

        @Test func whoHearsNothingEndsAtItsDeadline() throws {
            let (issuer, asked) = (try KeyIssuer(), Asked())
            defer { issuer.stop() }
            try EdgeRig.run({ Self.options(issuer, asked, &$0) }) { rig in
                let token = try issuer.token("ann")
                let centrifuge = try SocketClient(rig, SocketClient.centrifuge)
                try centrifuge.send(SocketClient.connect(token))
                let events = try LoopbackClient(port: rig.port)
                try events.send(LoopbackClient.request("GET /events?channel=room:a&access_token=\(token)"))
                // The client did nothing wrong, and may come back.
                #expect(try centrifuge.closeCode() == 3004)
                #expect(try events.takeAll().isEmpty)
                // Late news is for nobody.
                rig.hub.tellAll(.keysRefreshed)
            }
        }
    }
}
