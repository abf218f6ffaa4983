// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The defaults of `Helm/martlet/values.yaml`, as far as the simulation needs them. A test holds them to that file.
enum ChartValues {
    static let connectionsMax = 50_000
    static let connectsPerSecond = 2_000.0
    /// Seconds.
    static let drainDelay = 5.0
    static let drainWindow = 30.0
    static let nodesMin = 3
    static let nodesMax = 20
    /// Per cent.
    static let utilization = 60
    /// Seconds.
    static let pollingInterval = 15.0

    static var behavior: ScalingBehavior {
        ScalingBehavior(
            scaleUp: ScalingRules(
                stabilizationWindow: 0,
                policies: [
                    ScalingRules.Policy(kind: .percent, value: 100, period: 60),
                    ScalingRules.Policy(kind: .pods, value: 4, period: 60),
                ]),
            scaleDown: ScalingRules(
                stabilizationWindow: 900,
                policies: [
                    ScalingRules.Policy(kind: .percent, value: 10, period: 300),
                    ScalingRules.Policy(kind: .pods, value: 1, period: 300),
                ]))
    }

    /// Open connections of a node that the autoscaler aims at, where a node takes so many.
    static func target(of connectionsMax: Int = Self.connectionsMax) -> Double {
        Double(connectionsMax * Self.utilization / 100)
    }
}
