// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What is plotted of a while: rates are those of its worst second, states those at its end.
struct Sample: Codable, Sendable {
    /// In seconds since the beginning.
    var time = 0.0
    var nodesReady = 0
    var nodesStarting = 0
    var nodesDraining = 0
    /// Connections of ready nodes.
    var openMin = 0
    var openMean = 0.0
    var openMax = 0
    /// Connections of all nodes, and clients who wait for one.
    var open = 0
    var waiting = 0
    /// Attempts of clients that had a connection before, a second.
    var reconnects = 0
    /// Attempts that were refused or failed, a second.
    var refused = 0

    /// How uneven: 1 is level. 1 as well where there is nothing.
    var maxOverMean: Double { self.openMean > 0 ? Double(self.openMax) / self.openMean : 1 }
}
