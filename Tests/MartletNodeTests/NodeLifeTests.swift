// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletControl
import MartletInstruments
import Synchronization
import Testing

@testable import MartletNode

@Suite("The life of a node")
struct NodeLifeTests {
    /// What a test switches.
    private final class Switch: Sendable {
        private let value = Mutex(false)

        var isOn: Bool { self.value.withLock { $0 } }
        func set(_ isOn: Bool) { self.value.withLock { $0 = isOn } }
    }

    @Test func fromStartToEnd() {
        let (life, redis, kafka) = (NodeLife(), Switch(), Switch())
        let (isDegraded, isFull) = (Switch(), Switch())
        life.require(.starting, "redis") { redis.isOn }
        life.require(.catchingUp, "kafka") { kafka.isOn }
        life.watch { isDegraded.isOn ? "redis: away" : nil }
        life.watchCapacity { isFull.isOn }
        #expect(!life.advance())
        #expect(life.readiness == Readiness(state: .starting, reasons: ["redis", "kafka"]))
        redis.set(true)
        #expect(!life.advance())
        #expect(life.readiness == Readiness(state: .catchingUp, reasons: ["kafka"]))
        // What was once met is not asked for again.
        redis.set(false)
        kafka.set(true)
        #expect(life.advance())
        #expect(life.readiness == Readiness(state: .ready) && life.readiness.isReady)
        kafka.set(false)
        isDegraded.set(true)
        #expect(life.advance())
        #expect(life.readiness == Readiness(state: .ready, degraded: ["redis: away"]))
        isFull.set(true)
        #expect(life.readiness.state == .atCapacity)
        life.drain()
        #expect(life.isDraining && life.readiness.state == .draining && !life.isHurried)
        life.hurry()
        #expect(life.isHurried)
        life.stop()
        #expect(life.readiness.state == .stopped && life.readiness.degraded == ["redis: away"])
    }

    @Test func aNodeThatWaitsForNothingIsReadyWhenAsked() {
        let life = NodeLife()
        #expect(life.readiness.state == .catchingUp || life.readiness.state == .starting)
        #expect(life.advance() && life.readiness.state == .ready)
    }

    @Test func exactlyOneStateIsOne() {
        let (life, registry) = (NodeLife(), MetricsRegistry())
        life.register(registry)
        func ones() -> [Substring] {
            registry.exposition().split(separator: "\n")
                .filter { $0.hasPrefix("martlet_node_state{") && $0.hasSuffix("} 1") }
        }
        #expect(ones().count == 1)
        _ = life.advance()
        #expect(ones() == [#"martlet_node_state{state="ready"} 1"#])
        life.drain()
        #expect(ones() == [#"martlet_node_state{state="draining"} 1"#])
    }
}
