// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletInstruments
import MartletPolicy
import MartletReactor
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Draining")
    struct DrainTests {
        @Test func eachProtocolIsToldInItsWay() throws {
            try EdgeRig.run { rig in
                let token = rig.token("ann")
                let kept = try LoopbackClient(port: rig.port)
                #expect(try kept.ask("GET /nowhere").status == 404)
                let centrifuge = try SocketClient.connected(rig, token: token)
                let early = try SocketClient(rig, SocketClient.centrifuge)
                let plain = try SocketClient(rig, "/ws?access_token=\(token)")
                let events = try EventClient(rig, "channel=room:a&access_token=\(token)")
                try events.skip(to: ":subscribed")
                rig.shared.setAdmission(.draining)
                rig.hub.tellAll(.drain(window: .zero))
                #expect(try centrifuge.next() == .close(3001, "shutdown"))
                #expect(try early.next() == .close(3001, "shutdown"))
                guard case .close(1012, let reason) = try plain.next() else { return #expect(Bool(false)) }
                #expect(reason.hasPrefix("service restart, retry after ") && reason.hasSuffix(" ms"))
                let lines = try events.rest().filter { !$0.isEmpty }
                #expect(lines.count == 1 && lines[0].hasPrefix("retry: ") && events.hasEnded)
                // A connection between two requests has nothing to wait for.
                #expect(try kept.takeAll().isEmpty)
                let late = try LoopbackClient(port: rig.port)
                let answer = try late.ask("GET /nowhere")
                #expect(answer.status == 404 && answer.fields["connection"] == "close")
            }
        }

        @Test func thePaceIsEven() throws {
            try EdgeRig.run({ $0.shards = 2 }) { rig in
                let sockets = try (0..<60).map { _ in try SocketClient(rig, "/ws") }
                #expect(EdgeRig.eventually { rig.open == 60 })
                let start = ContinuousClock.now
                rig.hub.tellAll(.drain(window: .seconds(6)))
                var samples: [(elapsed: Double, open: Int)] = []
                while rig.open > 0, start.duration(to: .now) < .seconds(60) {
                    _ = EdgeRig.eventually(within: 0.05) { false }
                    // In this order: time that goes by between the two must not look like haste.
                    let open = rig.open
                    samples.append((start.duration(to: .now).inSeconds, open))
                }
                // Steps of 100 ms. A machine that stands still for a moment may put a few samples off, never ahead.
                var late = 0
                for sample in samples {
                    let (most, least) = (60 * (1 - (sample.elapsed - 1.2) / 6), 60 * (1 - sample.elapsed / 6) - 4)
                    #expect(Double(sample.open) >= least, "\(sample)")
                    if Double(sample.open) > max(0, most) + 4 { late += 1 }
                }
                #expect(late * 4 <= samples.count, "\(samples)")
                #expect(rig.open == 0)
                for socket in sockets { #expect(try socket.closeCode() == 1012) }
            }
        }

        @Test func whoComesDuringADrainGoesWithIt() throws {
            try EdgeRig.run { rig in
                let first = try (0..<4).map { _ in try SocketClient(rig, "/ws") }
                rig.hub.tellAll(.drain(window: .seconds(5)))
                // Two go by themselves, so that the pace has room, and others take their places in the table.
                first[0].close()
                first[1].close()
                let late = try (0..<2).map { _ in try SocketClient(rig, "/ws") }
                for socket in first.dropFirst(2) + late { #expect(try socket.closeCode() == 1012) }
            }
        }

        /// Every slot is looked at once, and again only when somebody came.
        @Test func aDrainLooksAgainOnlyForThoseWhoCame() {
            var drain = EdgeShard.Drain(pace: DrainPace(connections: 3, window: .zero), startedAt: 0, places: 5)
            func seen(of count: Int) -> [Int32] {
                var seen: [Int32] = []
                while let slot = drain.next(of: count) { seen.append(slot) }
                return seen.sorted()
            }
            #expect(seen(of: 5) == [0, 1, 2, 3, 4])
            #expect(seen(of: 5).isEmpty)
            drain.arrived()
            drain.arrived()
            #expect(seen(of: 7) == [0, 1, 2, 3, 4, 5, 6])
            #expect(seen(of: 7).isEmpty)
        }

        @Test func aPeerThatDoesNotAnswerIsCut() throws {
            try EdgeRig.run { rig in
                let client = try SocketClient(rig, "/ws")
                let start = ContinuousClock.now
                rig.hub.tellAll(.drain(window: .zero))
                #expect(try client.closeCode() == 1012)
                #expect(EdgeRig.eventually { rig.reactorShared.openConnections.current == 0 })
                let elapsed = start.duration(to: .now)
                #expect(elapsed > .milliseconds(1_500))
                client.close()
            }
        }

        @Test func anEmptyNodeDrainsAtOnce() throws {
            try EdgeRig.run { rig in
                rig.hub.tellAll(.drain(window: .seconds(1)))
                let client = try SocketClient(rig, "/ws")
                rig.hub.tellAll(.drain(window: .zero))
                #expect(try client.closeCode() == 1012)
            }
        }
    }
}
