// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Two thousand nodes.
enum LargeScenarios {
    static var all: [Scenario] { GrowthScenarios.Balancing.allCases.map { Self.uneven($0) } + [Self.zoneLost()] }

    /// Nodes that hold anything between a fifth and all of what the chart gives them, and find their balance.
    static func uneven(
        _ balancing: GrowthScenarios.Balancing, nodes: Int = 2_000, step: Double = 1, scale: Double = 1
    ) -> Scenario {
        let model = NodeModel(scale: scale)
        let most = model.connectionsMax
        let open: @Sendable (Int) -> Int = { most * (20 + ($0 * 7_919) % 60) / 100 }
        let total = (0..<nodes).reduce(0) { $0 + open($1) }
        let mean = Double(total) / Double(nodes)
        let excess = (0..<nodes).reduce(0.0) { $0 + max(0, Double(open($1)) - mean) }
        var scenario = Scenario(
            name: "uneven-\(balancing.rawValue)",
            summary: "2,000 nodes between 20 % and 80 % full, behind \(balancing.balancer.name)", length: 3_600,
            nodes: nodes, arrivals: SteadyPopulation(clients: Double(total))
        ) { result in
            [
                Check("nodes that shed, were short and shed again", Double(result.reversalsMax), atMost: 0),
                Check("max ÷ mean at the end", result.samples.last?.maxOverMean ?? .infinity, atMost: 1.1),
                Check("sent away in the last third", Double(result.shedLately), atMost: 0),
                Check("sent away, times what was too much", Double(result.shed) / excess, atMost: 2.5),
            ]
        }
        scenario.step = step
        scenario.model = model
        scenario.open = open
        scenario.clients.lifetime = 28_800
        scenario.balancer = balancing.balancer
        return scenario
    }

    /// 100 million connections on 2,000 nodes, a third of which is lost at once and stays away.
    static func zoneLost(nodes: Int = 2_000, step: Double = 0.5, scale: Double = 1) -> Scenario {
        var model = NodeModel(scale: scale)
        model.connectionsMax = Int(80_000 * scale)
        let open = Int(50_000 * scale)
        let lost = nodes / 3
        let left = Double(nodes - lost)
        let rate = model.connectsPerSecond
        var scenario = Scenario(
            name: "zone-lost-100m",
            summary: "100 million clients on 2,000 nodes of 80,000; a zone with a third of them is lost", length: 900,
            nodes: nodes, arrivals: SteadyPopulation(clients: Double(open * nodes))
        ) { result in
            StormScenarios.checks(
                result, bound: Double(open * lost) / (left * rate) + ClientModel().delayMax)
        }
        scenario.step = step
        scenario.model = model
        scenario.open = { _ in open }
        scenario.faults = [.crash(nodes: lost, at: 120, restartAfter: .infinity)]
        return scenario
    }
}
