// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// From four nodes to five, with each balancer.
enum GrowthScenarios {
    static var all: [Scenario] { Balancing.allCases.map { Self.grow($0) } }

    enum Balancing: String, CaseIterable {
        case roundRobin = "round-robin"
        case leastConnections = "least-connections"
        case randomTwo = "random-two"

        var balancer: any Balancer {
            switch self {
            case .roundRobin: RoundRobin()
            case .leastConnections: LeastConnections()
            case .randomTwo: RandomTwo()
            }
        }
    }

    /// Clients stay for eight hours, so that next to nothing comes and goes by itself: rebalancing evens it out.
    static func grow(_ balancing: Balancing, step: Double = 0.5, scale: Double = 1) -> Scenario {
        let model = NodeModel(scale: scale)
        let open = model.target
        let grownAt = 60.0
        let judgedAt = grownAt + model.pendingTime + model.catchUpTime + 600
        var scenario = Scenario(
            name: "grow-\(balancing.rawValue)",
            summary: "A fifth node beside four at \(ChartValues.utilization) %, behind \(balancing.balancer.name)",
            length: 1_800, nodes: 4, arrivals: SteadyPopulation(clients: Double(open * 4))
        ) { result in
            [
                Check(
                    "max ÷ mean 10 minutes after the new node is ready", result.maxOverMean(at: judgedAt), atMost: 1.1),
                Check("refused clients", Double(result.refused), atMost: 0),
                Check("nodes that shed, were short and shed again", Double(result.reversalsMax), atMost: 0),
                Check("sent away in the last third", Double(result.shedLately), atMost: 0),
            ]
        }
        scenario.step = step
        scenario.model = model
        scenario.open = { _ in open }
        scenario.clients.lifetime = 28_800
        scenario.balancer = balancing.balancer
        scenario.faults = [.scale(to: 5, at: grownAt)]
        return scenario
    }
}
