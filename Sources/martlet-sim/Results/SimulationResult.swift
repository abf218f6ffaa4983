// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What came of a simulation.
struct SimulationResult: Sendable {
    var samples: [Sample] = []
    var waits = WaitTimes()
    /// Attempts in the worst second, of clients that had a connection before.
    var reconnectsPeak = 0
    var refusedPeak = 0
    var refused = 0
    /// Everybody who was let in, however often.
    var admitted = 0
    /// Connections that one node took in its worst second.
    var admittedPeakOfNode = 0
    /// How often each node's rebalancing turned round, the worst of them; what all of them sent away.
    var reversalsMax = 0
    var shed = 0
    /// Sent away by rebalancing in the last third of the time.
    var shedLately = 0
    /// Nodes wanted, whenever that changed.
    var scalings: [(time: Double, replicas: Int)] = []
    /// Nodes that were at their capacity at some time.
    var nodesEverFull = 0
    /// The longest that anybody still waits at the end, in seconds.
    var waitingLongest = 0
    /// The most connections that a node had when its drain began.
    var drainedMost = 0

    /// How often growing turned to shrinking or back.
    var directionChanges: Int {
        let deltas = zip(self.scalings, self.scalings.dropFirst()).map { $1.replicas - $0.replicas }
        return zip(deltas, deltas.dropFirst()).count { $0 * $1 < 0 }
    }

    /// The shortest time between growing and shrinking, or back, in seconds; as long as can be where there was none.
    var quickestTurn: Double {
        let changes = zip(self.scalings, self.scalings.dropFirst()).map { (at: $1.time, up: $1.replicas > $0.replicas) }
        return zip(changes, changes.dropFirst()).reduce(.greatestFiniteMagnitude) { least, pair in
            pair.0.up == pair.1.up ? least : min(least, pair.1.at - pair.0.at)
        }
    }

    /// The worst part of the capacity in use, were one more ready node lost, of nodes that take so many.
    func utilizationAfterLoss(connectionsMax: Int) -> Double {
        self.samples.reduce(0) { worst, sample in
            max(worst, Double(sample.open) / Double(max(1, sample.nodesReady - 1) * connectionsMax))
        }
    }

    /// Max ÷ mean of connections at the first sample at or after this second.
    func maxOverMean(at second: Double) -> Double {
        self.samples.first { $0.time >= second }?.maxOverMean ?? .infinity
    }
}
