// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Nodes that end on purpose.
enum UpgradeScenarios {
    static var all: [Scenario] { [Self.rolling(), Self.shrink()] }

    /// Four nodes at the chart's utilization are replaced one after the other.
    static func rolling(step: Double = 0.25, scale: Double = 1) -> Scenario {
        let model = NodeModel(scale: scale)
        let open = model.target
        var scenario = Scenario(
            name: "rolling-upgrade", summary: "Four nodes at \(ChartValues.utilization) % are replaced one by one",
            length: 900, nodes: 4, arrivals: SteadyPopulation(clients: Double(open * 4))
        ) { result in Self.checks(result, model) }
        scenario.step = step
        scenario.model = model
        scenario.open = { _ in open }
        scenario.faults = [.upgrade(at: 60)]
        return scenario
    }

    /// Five nodes with unlike loads become four: the emptiest goes.
    static func shrink(step: Double = 0.25, scale: Double = 1) -> Scenario {
        var model = NodeModel(scale: scale)
        // Or it would have evened out what is to be seen here.
        model.rebalances = false
        let most = model.connectionsMax
        let open: @Sendable (Int) -> Int = { most * [60, 55, 15, 50, 45][$0] / 100 }
        var scenario = Scenario(
            name: "scale-in", summary: "Five nodes become four: the emptiest goes, and nobody notices", length: 300,
            nodes: 5, arrivals: SteadyPopulation(clients: Double((0..<5).reduce(0) { $0 + open($1) }))
        ) { [model] result in
            Self.checks(result, model) + [
                // By a minute later newcomers have begun to fill it: it is still far below the next one.
                Check("connections of the node that went", Double(result.drainedMost), atMost: Double(most) * 0.2)
            ]
        }
        scenario.step = step
        scenario.model = model
        scenario.open = open
        scenario.clients.lifetime = 28_800
        scenario.faults = [.scale(to: 4, at: 65)]
        return scenario
    }

    private static func checks(_ result: SimulationResult, _ model: NodeModel) -> [Check] {
        let pace = Double(result.drainedMost) / model.drainWindow
        return [
            Check(
                "reconnects in the worst second (1.2 × connections ÷ window)", Double(result.reconnectsPeak),
                atMost: 1.2 * pace),
            Check("refused clients", Double(result.refused), atMost: 0),
            Check("longest that a client was without a connection, s", Double(result.waits.longest), atMost: 6),
        ]
    }
}
