// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A pod as the autoscaler's metrics show it.
struct PodObservation: Sendable {
    enum Phase: Sendable {
        /// Not started yet: without a metric.
        case pending
        case running
        /// Told to end, and draining.
        case terminating
    }

    var phase: Phase
    /// Nil where the metric is missing.
    var openConnections: Int?
    /// `martlet_desired_nodes`, likewise.
    var desiredNodes: Int?
}
