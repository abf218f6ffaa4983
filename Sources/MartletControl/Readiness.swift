// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What `/readyz` answers: where a node is in its life, why, and what it does without.
///
/// Degradation does not make a node unready: an outage that all nodes share must not empty the balancer.
package struct Readiness: Sendable, Equatable, Encodable {
    package enum State: String, Sendable, CaseIterable, Encodable {
        case starting
        case catchingUp = "catching up"
        case ready
        case atCapacity = "at capacity"
        case draining
        case stopped
    }

    package var state: State
    /// Why the node is not ready; empty where it is.
    package var reasons: [String]
    /// What is out of order while the node serves all the same.
    package var degraded: [String]

    package init(state: State, reasons: [String] = [], degraded: [String] = []) {
        self.state = state
        self.reasons = reasons
        self.degraded = degraded
    }

    package var isReady: Bool { self.state == .ready }
}
