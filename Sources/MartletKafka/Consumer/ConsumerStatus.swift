// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Synchronization

/// What the consumer's thread and all others know of each other.
final class ConsumerStatus: Sendable {
    private struct State {
        var health = KafkaHealth.unhealthy("not started")
        var isCaughtUp = false
        var positions: [[Int64]] = []
        /// Nil until the reading began.
        var movedAt: Int64?
    }

    private let state = Mutex(State())
    private let stopping = Atomic<Bool>(false)

    var isStopping: Bool { self.stopping.load(ordering: .relaxed) }
    func stop() { self.stopping.store(true, ordering: .relaxed) }

    var health: KafkaHealth { self.state.withLock { $0.health } }
    var isCaughtUp: Bool { self.state.withLock { $0.isCaughtUp } }

    func position(topic: Int, partition: Int32) -> Int64? {
        self.state.withLock { state in
            guard state.positions.indices.contains(topic), state.positions[topic].indices.contains(Int(partition))
            else { return nil }
            return state.positions[topic][Int(partition)]
        }
    }

    /// By topic and partition.
    var positions: [[Int64]] { self.state.withLock { $0.positions } }

    func caughtUp() { self.state.withLock { $0.isCaughtUp = true } }

    func positionsChanged(_ positions: [[Int64]]) {
        self.state.withLock { state in
            state.positions = positions
            state.movedAt = Clock.monotonic
        }
    }

    func started() { self.state.withLock { $0.movedAt = Clock.monotonic } }

    /// Since something came from the brokers, or since the reading began; none before that.
    var idleTime: Duration {
        self.state.withLock { $0.movedAt }.map { .nanoseconds(Clock.monotonic - $0) } ?? .zero
    }

    /// What it was before; nil when it was the same.
    func healthChanged(_ health: KafkaHealth) -> KafkaHealth? {
        self.state.withLock { state in
            guard state.health != health else { return nil }
            defer { state.health = health }
            return state.health
        }
    }
}
