// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletControl
import MartletCore
import MartletInstruments
import Synchronization

/// Where a node is in its life: starting, catching up, ready, draining, stopped.
///
/// What must have happened before the node is ready is registered as a condition and asked each time; what may fail
/// afterwards makes it degraded, never unready, because an outage that all nodes share must not empty the balancer.
final class NodeLife: Sendable {
    /// Something that must once be true before the node is ready.
    struct Condition: Sendable {
        var state: Readiness.State
        var reason: String
        var isMet: @Sendable () -> Bool
    }

    private struct State {
        var conditions: [Condition] = []
        var concerns: [@Sendable () -> String?] = []
        var isReady = false
        var isDraining = false
        var isStopping = false
        var isStopped = false
        var isHurried = false
        var isFull: @Sendable () -> Bool = { false }
    }

    private let state = Mutex(State())

    func require(_ state: Readiness.State, _ reason: String, _ isMet: @escaping @Sendable () -> Bool) {
        self.state.withLock { $0.conditions.append(Condition(state: state, reason: reason, isMet: isMet)) }
    }

    /// - Parameter concern: What is out of order, or nil.
    func watch(_ concern: @escaping @Sendable () -> String?) {
        self.state.withLock { $0.concerns.append(concern) }
    }

    func watchCapacity(_ isFull: @escaping @Sendable () -> Bool) { self.state.withLock { $0.isFull = isFull } }

    /// Drops the conditions that are met; true once there is none left.
    func advance() -> Bool {
        let conditions = self.state.withLock { $0.conditions }
        // Asked outside the lock: a condition may take locks of its own.
        let unmet = conditions.filter { !$0.isMet() }
        return self.state.withLock { state in
            state.conditions = unmet
            if unmet.isEmpty { state.isReady = true }
            return state.isReady
        }
    }

    var isDraining: Bool { self.state.withLock { $0.isDraining } }
    func drain() { self.state.withLock { $0.isDraining = true } }

    /// Ready again, unless the node is to end.
    func takeDrainBack() { self.state.withLock { $0.isDraining = $0.isStopping } }

    /// Whether the node was told to end, after which there is no way back.
    var isStopping: Bool { self.state.withLock { $0.isStopping } }
    func beginToStop() { self.state.withLock { $0.isStopping = true } }
    func stop() { self.state.withLock { $0.isStopped = true } }

    /// Whether what is left must end at once.
    var isHurried: Bool { self.state.withLock { $0.isHurried } }
    func hurry() { self.state.withLock { $0.isHurried = true } }

    var readiness: Readiness {
        let state = self.state.withLock { $0 }
        let degraded = state.concerns.compactMap { $0() }
        if state.isStopped { return Readiness(state: .stopped, reasons: ["the node has stopped"], degraded: degraded) }
        if state.isDraining {
            return Readiness(state: .draining, reasons: ["the node is draining"], degraded: degraded)
        }
        if !state.isReady {
            let phase = state.conditions.contains { $0.state == .starting } ? Readiness.State.starting : .catchingUp
            return Readiness(state: phase, reasons: state.conditions.map(\.reason), degraded: degraded)
        }
        if state.isFull() {
            return Readiness(state: .atCapacity, reasons: ["every place is taken"], degraded: degraded)
        }
        return Readiness(state: .ready, degraded: degraded)
    }

    func register(_ registry: MetricsRegistry) {
        for state in Readiness.State.allCases {
            registry.reader(
                "martlet_node_state", .gauge, "1 for the state the node is in.",
                labels: [("state", state.rawValue.split(separator: " ").joined(separator: "_"))]
            ) { [weak self] in self?.readiness.state == state ? 1 : 0 }
        }
    }
}
