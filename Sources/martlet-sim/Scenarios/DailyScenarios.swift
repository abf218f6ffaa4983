// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Days as they are: what an autoscaler makes of them.
enum DailyScenarios {
    static var all: [Scenario] { Kind.allCases.map { Self.wave($0) } }

    /// Who scales, and by what.
    enum Kind: String, CaseIterable {
        case hpa, keda, advice
    }

    /// - Parameters:
    ///   - days: How many, each like the other but for chance.
    ///   - step: Seconds; long steps make long simulations short, and admission coarser.
    ///   - scale: Times the chart's connections a node, for tests that must be quick.
    static func wave(_ kind: Kind, days: Double = 2, step: Double = 1, scale: Double = 1) -> Scenario {
        let model = NodeModel(scale: scale, step: step)
        let (low, high) = (90_000 * scale, 540_000 * scale)
        let capacity = model.connectionsMax
        var scenario = Scenario(
            name: "daily-wave-\(kind.rawValue)",
            summary: "Two days between 90,000 and 540,000 clients, scaled by \(Self.describe(kind))",
            length: days * 86_400, nodes: 10, arrivals: DailyWave(low: low, high: high)
        ) { result in
            [
                Check("direction changes a day (the wave has 4)", Double(result.directionChanges) / days, atMost: 4),
                Check("shortest time between growing and shrinking, s", result.quickestTurn, atLeast: 1_800),
                Check("refused clients", Double(result.refused), atMost: 0),
                Check(
                    "utilization, were a node lost at the worst time",
                    result.utilizationAfterLoss(connectionsMax: capacity), atMost: 1),
            ]
        }
        scenario.step = step
        scenario.model = model
        scenario.open = { _ in Int(29_250 * scale) }
        scenario.autoscaler = Self.autoscaler(kind, model)
        return scenario
    }

    private static func describe(_ kind: Kind) -> String {
        switch kind {
        case .hpa: "the chart's HPA"
        case .keda: "the chart's ScaledObject"
        case .advice: "KEDA on martlet_desired_nodes"
        }
    }

    static func autoscaler(_ kind: Kind, _ model: NodeModel) -> any Autoscaler {
        let limits = ChartValues.nodesMin...ChartValues.nodesMax
        let target = ChartValues.target(of: model.connectionsMax)
        switch kind {
        case .hpa: return HorizontalPodAutoscaler(target: target, limits: limits, behavior: ChartValues.behavior)
        case .keda:
            return KedaAutoscaler(
                .connections(threshold: target), limits: limits, pollingInterval: ChartValues.pollingInterval,
                behavior: ChartValues.behavior)
        case .advice:
            return KedaAutoscaler(
                .advice, limits: limits, pollingInterval: ChartValues.pollingInterval, behavior: ChartValues.behavior)
        }
    }
}
