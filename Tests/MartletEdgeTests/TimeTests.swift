// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletSessions
import MartletWire
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Pings, expiry and refresh")
    struct TimeTests {
        private static func quick(_ options: inout EdgeRig.Options) {
            options.edge.limits.pingInterval = .milliseconds(600)
            options.edge.limits.pongTimeout = .milliseconds(300)
            options.edge.limits.commentInterval = .milliseconds(400)
            options.edge.limits.expiryGrace = .milliseconds(500)
        }

        /// Each client has time to answer while the pings of the others are awaited; the next comes an interval after
        /// the last all the same.
        @Test func pingsOfEachProtocol() throws {
            try EdgeRig.run({
                $0.edge.limits.pingInterval = .seconds(1)
                $0.edge.limits.pongTimeout = .seconds(60)
                $0.edge.limits.commentInterval = .milliseconds(400)
            }) { rig in
                let centrifuge = try SocketClient.connected(rig, token: rig.token("ann"))
                let native = try SocketClient(rig, SocketClient.centrifuge + "?cf_ws_frame_ping_pong=true")
                guard case .text(let reply) = try native.ask(SocketClient.connect(rig.token("ann"))) else { return }
                #expect(!reply.contains(#""ping""#) && !reply.contains(#""pong""#))
                let plain = try SocketClient(rig, "/ws?access_token=\(rig.token("ann"))")
                let events = try EventClient(rig, "channel=room:a&access_token=\(rig.token("ann"))")
                try events.skip(to: ":subscribed")
                for _ in 0..<2 {
                    #expect(try centrifuge.next() == .text("{}"))
                    try centrifuge.send("{}")
                    for client in [native, plain] {
                        #expect(try client.next() == .ping([]))
                        try client.send(.pong, [])
                    }
                    #expect(try events.line() == ":")
                }
                // The client's own pings are answered, and a second pong is one too many.
                try plain.send(.ping, [1, 2])
                #expect(try plain.next() == .pong([1, 2]))
                // Two, for there may have been another ping by now.
                try centrifuge.send("{}\n{}")
                #expect(try centrifuge.closeCode() == 3501)
            }
        }

        @Test func withoutAPongTheConnectionEnds() throws {
            try EdgeRig.run(Self.quick) { rig in
                let clients = [
                    try SocketClient.connected(rig, token: rig.token("ann")),
                    try SocketClient(rig, "/ws?access_token=\(rig.token("ann"))"),
                ]
                for client in clients { #expect(try client.closeCode() == 3012) }
            }
        }

        @Test func anExpiredTokenEndsItsConnectionAfterTheGrace() throws {
            try EdgeRig.run({ $0.edge.limits.expiryGrace = .milliseconds(500) }) { rig in
                let token = rig.token("ann", expiresIn: 4)
                let socket = try SocketClient.connected(rig, token: token)
                let events = try EventClient(rig, "channel=room:a&access_token=\(token)")
                #expect(try socket.closeCode() == 3005)
                let lines = try events.rest()
                #expect(
                    lines.last { !$0.isEmpty }?.hasPrefix("retry: ") == true && !lines.contains("event: disconnect"))
            }
        }

        @Test func whatIsOverBeforeItBeginsIsExpired() throws {
            try EdgeRig.run { rig in
                // Within the leeway for clocks; within the grace the client has time to refresh, beyond it none.
                try SocketClient.connected(rig, token: rig.token("ann", age: 60, expiresIn: -5)).close()
                let token = rig.token("ann", age: 60, expiresIn: -40)
                let late = try SocketClient(rig, SocketClient.centrifuge)
                #expect(
                    try late.ask(SocketClient.connect(token))
                        == .text(#"{"id":1,"error":{"code":109,"message":"token expired"}}"#))
                #expect(try EventClient(rig, "channel=room:a&access_token=\(token)").answer.status == 401)
            }
        }

        @Test func refreshPutsTheEndOff() throws {
            try EdgeRig.run({ $0.edge.limits.expiryGrace = .milliseconds(500) }) { rig in
                let token = rig.token("ann", expiresIn: 4)
                let centrifuge = try SocketClient.connected(rig, token: token)
                guard case .text(let text) = try centrifuge.ask(#"{"id":2,"refresh":{"token":"\#(rig.token("ann"))"}}"#)
                else { return #expect(Bool(false)) }
                #expect(text.hasPrefix(#"{"id":2,"refresh":{"client":""#))
                #expect(text.contains(#""version":"test","expires":true,"ttl":3"#))
                let plain = try SocketClient(rig, "/ws?access_token=\(token)")
                guard case .text(let answer) = try plain.ask(Self.refresh(rig.token("ann"))) else { return }
                #expect(answer.hasPrefix(#"{"jsonrpc":"2.0","id":7,"result":{"ttl":3"#))
                _ = EdgeRig.eventually(within: 5.5) { rig.open < 2 }
                #expect(rig.open == 2)
                #expect(try centrifuge.ask(#"{"id":3,"ping":{}}"#) == .text(#"{"id":3,"ping":{}}"#))
            }
        }

        private static func refresh(_ token: String) -> String {
            #"{"jsonrpc":"2.0","id":7,"method":"refresh","params":{"token":"\#(token)"}}"#
        }

        @Test func refreshThatIsRefused() throws {
            try EdgeRig.run { rig in
                rig.invalidate(.session("dead"))
                rig.invalidate(.token("gone"))
                rig.revocations.raiseFloor(to: Int64(Clock.wall) - 1_000)
                let cases: [(String, UInt16)] = [
                    (rig.token("bob"), 3500), (rig.token("ann", session: "dead"), 4500),
                    (rig.token("ann", id: "gone"), 4502),
                    (rig.token("ann", age: 7_200, expiresIn: -3_600), 3005), (rig.token("ann", age: 2_000), 3005),
                ]
                for (token, code) in cases {
                    let client = try SocketClient.connected(rig, token: rig.token("ann"))
                    try client.send(#"{"id":2,"refresh":{"token":"\#(token)"}}"#)
                    #expect(try client.closeCode() == code)
                }
                for (token, code) in cases where code != 3005 {
                    let plain = try SocketClient(rig, "/ws?access_token=\(rig.token("ann"))")
                    try plain.send(Self.refresh(token))
                    #expect(try plain.closeCode() == code)
                }
            }
        }
    }
}
