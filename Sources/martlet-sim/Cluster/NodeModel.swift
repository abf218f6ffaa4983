// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletPolicy

/// What a node is given: the configuration as far as it matters here, and how long it takes to start.
struct NodeModel: Sendable {
    /// `limits.connections_max`, `limits.connects_per_second`, `drain.delay`, `drain.window`.
    var connectionsMax: Int
    var connectsPerSecond: Double
    var drainDelay = ChartValues.drainDelay
    var drainWindow = ChartValues.drainWindow
    /// `slow_start.fraction`, `slow_start.duration`, and `rebalance`: the node's own defaults.
    var slowStart: SlowStart? = SlowStart(fraction: 0.2, duration: .seconds(30))
    var rebalance = RebalanceConfiguration()
    /// Seconds until a new pod runs: a place for it, its image.
    var pendingTime = 30.0
    /// Seconds until it is ready then: events of the past are read first.
    var catchUpTime = 30.0
    /// Members that it remembers.
    var membersMax = MemberMemory.membersMax

    /// The chart's node.
    ///
    /// - Parameters:
    ///   - scale: Times its connections, for tests that must be quick.
    ///   - step: Seconds of a step: a bucket holds a second's worth, and a longer step needs as much more.
    init(scale: Double = 1, step: Double = 1) {
        self.connectionsMax = Int(Double(ChartValues.connectionsMax) * scale)
        self.connectsPerSecond = ChartValues.connectsPerSecond * scale * max(1, step)
        self.rebalance.rate *= scale
    }

    var rebalances: Bool {
        get { self.rebalance.isEnabled }
        set { self.rebalance.isEnabled = newValue }
    }

    /// Open connections at which the autoscaler leaves everything as it is.
    var target: Int { self.connectionsMax * ChartValues.utilization / 100 }
    /// Seconds until a new node takes all the connections it may.
    var slowStartTime: Double { Double(self.slowStart?.duration ?? 0) / 1e9 }

    var admission: AdmissionConfiguration {
        AdmissionConfiguration(
            connectionsMax: self.connectionsMax, connectsPerSecond: self.connectsPerSecond, slowStart: self.slowStart)
    }
}
