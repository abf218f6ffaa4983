// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Decides how many nodes there should be. Asked every `interval` seconds.
protocol Autoscaler: Sendable {
    var name: String { get }
    /// Seconds between its decisions.
    var interval: Double { get }

    /// - Parameters:
    ///   - current: Nodes wanted now.
    ///   - pods: What the metrics say, which is older than `now`.
    mutating func replicas(current: Int, pods: [PodObservation], now: Double) -> Int
}
