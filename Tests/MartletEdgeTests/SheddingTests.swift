// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletInstruments
import MartletPolicy
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Shedding")
    struct SheddingTests {
        private static let closed = #"martlet_connections_closed_total{reason="rebalance"}"#

        @Test func eachProtocolIsToldInItsWay() throws {
            try EdgeRig.run { rig in
                let token = rig.token("ann")
                let centrifuge = try SocketClient.connected(rig, token: token)
                let early = try SocketClient(rig, SocketClient.centrifuge)
                let plain = try SocketClient(rig, "/ws?access_token=\(token)")
                let events = try EventClient(rig, "channel=room:a&access_token=\(token)")
                try events.skip(to: ":subscribed")
                rig.hub.shed(10, over: .zero)
                #expect(try centrifuge.next() == .close(4001, "rebalance"))
                guard case .close(4001, let reason) = try plain.next() else { return #expect(Bool(false)) }
                #expect(reason.hasPrefix("rebalance, retry after ") && reason.hasSuffix(" ms"))
                let lines = try events.rest().filter { !$0.isEmpty }
                #expect(lines.count == 1 && lines[0].hasPrefix("retry: ") && events.hasEnded)
                // Whoever has not said yet who it is would only come back to say it.
                #expect(try early.ask(SocketClient.connect(token)) != .end)
                #expect(EdgeRig.eventually { rig.open == 1 })
                #expect(EdgeRig.eventually { rig.metrics.exposition().contains("\(Self.closed) 3\n") })
            }
        }

        @Test(arguments: StreamClient.paths) func aStreamIsToldByItsLastMessage(path: String) throws {
            try EdgeRig.run { rig in
                let client = try StreamClient.connected(rig, path, token: rig.token("ann"))
                rig.hub.shed(1, over: .zero)
                #expect(
                    try client.next()
                        == #"{"push":{"disconnect":{"code":4001,"reason":"rebalance","reconnect":true}}}"#)
                #expect(try client.next() == nil && client.hasEnded)
            }
        }

        @Test func thoseWhoSaidNothingForLongGoFirst() throws {
            try EdgeRig.run { rig in
                let sockets = try (0..<40).map { _ in try SocketClient.connected(rig, token: rig.token("ann")) }
                // Silences that differ by more than twice, in ticks of 100 ms.
                _ = EdgeRig.eventually(within: 6) { false }
                for socket in sockets.dropFirst(20) { _ = try socket.ask(#"{"id":9,"ping":{}}"#) }
                rig.hub.shed(20, over: .zero)
                for socket in sockets.prefix(20) { #expect(try socket.closeCode() == 4001) }
                for socket in sockets.dropFirst(20) { #expect(try socket.ask(#"{"id":9,"ping":{}}"#) != .end) }
                #expect(EdgeRig.eventually { rig.open == 20 })
            }
        }

        @Test func theRateIsBoundedAndTheCountKept() throws {
            try EdgeRig.run({ $0.shards = 2 }) { rig in
                let sockets = try (0..<60).map { _ in try SocketClient.connected(rig, token: rig.token("ann")) }
                #expect(EdgeRig.eventually { rig.open == 60 })
                let start = ContinuousClock.now
                rig.hub.shed(30, over: .seconds(3))
                #expect(EdgeRig.eventually(within: 20) { rig.open <= 45 })
                #expect(start.duration(to: .now) > .milliseconds(700))
                #expect(EdgeRig.eventually(within: 20) { rig.open <= 30 })
                _ = EdgeRig.eventually(within: 0.5) { rig.open < 30 }
                // A shard that has fewer than its part leaves the rest to the next time.
                #expect(rig.open >= 30)
                for socket in sockets { socket.close() }
            }
        }

        @Test func whoIsStillHereMayBeLetBe() throws {
            try EdgeRig.run({ $0.shards = 2 }) { rig in
                let sockets = try (0..<8).map { _ in try SocketClient.connected(rig, token: rig.token("ann")) }
                // The first of each shard would go after three seconds.
                rig.hub.shed(4, over: .seconds(6))
                rig.hub.stopShedding()
                _ = EdgeRig.eventually(within: 5) { rig.open < 8 }
                #expect(rig.open == 8)
                for socket in sockets { socket.close() }
            }
        }

        @Test func aDrainComesBeforeIt() throws {
            try EdgeRig.run { rig in
                let sockets = try (0..<4).map { _ in try SocketClient.connected(rig, token: rig.token("ann")) }
                rig.hub.shed(4, over: .seconds(3_600))
                rig.hub.tellAll(.drain(window: .seconds(3_600)))
                rig.hub.shed(4, over: .zero)
                _ = EdgeRig.eventually(within: 0.5) { rig.open < 4 }
                #expect(rig.open == 4)
                rig.hub.tellAll(.drainTakenBack)
                rig.hub.tellAll(.shed(4, over: .zero))
                for socket in sockets { #expect(try socket.closeCode() == 4001) }
            }
        }

        @Test func aDrainTakenBackLetsOthersIn() throws {
            try EdgeRig.run { rig in
                let first = try SocketClient(rig, "/ws")
                rig.shared.setAdmission(.draining)
                rig.hub.tellAll(.drain(window: .seconds(3_600)))
                #expect(try LoopbackClient(port: rig.port).ask("GET /ws", LoopbackClient.upgrade).status == 503)
                rig.hub.tellAll(.drainTakenBack)
                rig.shared.reopen()
                let kept = try LoopbackClient(port: rig.port)
                #expect(try kept.ask("GET /nowhere").fields["connection"] == "keep-alive")
                let second = try SocketClient(rig, "/ws")
                #expect(EdgeRig.eventually { rig.open == 2 })
                for socket in [first, second] { socket.close() }
            }
        }
    }
}
