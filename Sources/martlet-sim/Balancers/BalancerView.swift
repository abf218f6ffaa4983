// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a balancer can know of the nodes; by their indexes.
struct BalancerView: Sendable {
    /// Seconds since the beginning.
    var now: Double
    /// Open connections at this moment.
    var open: [Int]
    /// When each came into rotation, in seconds.
    var rotatedIn: [Double]
}
