// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Many at once.
enum StormScenarios {
    static var all: [Scenario] { [Self.flashCrowd(), Self.regionFailover(), Self.massReconnect()] }

    /// Four times as many within two minutes, and an autoscaler that must first start nodes for them.
    static func flashCrowd(step: Double = 0.5, scale: Double = 1) -> Scenario {
        let model = NodeModel(scale: scale)
        let (before, during) = (150_000 * scale, 550_000 * scale)
        var scenario = Scenario(
            name: "flash-crowd", summary: "From 150,000 to 550,000 clients in two minutes, scaled by the chart's HPA",
            length: 3_600, nodes: 5,
            arrivals: FlashCrowd(before: before, during: during, begins: 300, rise: 120, ends: 2_400)
        ) { result in
            // Until there is room: two doublings a minute apart, each seen half a minute late, and a node's start.
            let room = 120 + 2 * 60 + 30 + model.pendingTime + model.catchUpTime
            return Self.checks(result, bound: room + during / (11 * model.connectsPerSecond) + ClientModel().delayMax)
                + [Check("direction changes", Double(result.directionChanges), atMost: 1)]
        }
        scenario.step = step
        scenario.model = model
        scenario.open = { _ in Int(before) / 5 }
        scenario.autoscaler = DailyScenarios.autoscaler(.hpa, model)
        return scenario
    }

    /// As many again as are here, most of them within five seconds.
    static func regionFailover(step: Double = 0.5, scale: Double = 1) -> Scenario {
        let model = NodeModel(scale: scale)
        let clients = 450_000 * scale
        var scenario = Scenario(
            name: "region-failover", summary: "450,000 clients of a lost region come to 20 nodes that hold 450,000",
            length: 900, nodes: 20,
            arrivals: RegionFailover(own: clients, others: clients, at: 120, resolution: 5)
        ) { result in
            Self.checks(result, bound: clients / (20 * model.connectsPerSecond) + ClientModel().delayMax)
        }
        scenario.step = step
        scenario.model = model
        scenario.open = { _ in Int(clients) / 20 }
        return scenario
    }

    /// Half of the nodes crash at once; the other half has not room for all until they are back.
    static func massReconnect(step: Double = 0.5, scale: Double = 1) -> Scenario {
        let model = NodeModel(scale: scale)
        let open = model.target
        let restart = 15.0
        var scenario = Scenario(
            name: "mass-reconnect", summary: "10 of 20 nodes crash at once and run again after 15 s and a catch-up",
            length: 900, nodes: 20, arrivals: SteadyPopulation(clients: Double(open * 20))
        ) { result in
            let room = restart + model.catchUpTime
            return Self.checks(
                result,
                bound: room + model.slowStartTime + Double(open * 10) / (10 * model.connectsPerSecond)
                    + ClientModel().delayMax)
        }
        scenario.step = step
        scenario.model = model
        scenario.open = { _ in open }
        scenario.faults = [.crash(nodes: 10, at: 120, restartAfter: restart)]
        return scenario
    }

    /// - Parameter bound: Until there is room for all, until all are admitted, and the longest delay once more for who
    ///   asked a moment too early.
    static func checks(_ result: SimulationResult, bound: Double) -> [Check] {
        [
            Check("longest that a client was without a connection, s", Double(result.waits.longest), atMost: bound),
            Check("still waiting at the end, the longest, s", Double(result.waitingLongest), atMost: bound),
            Check("nodes that shed, were short and shed again", Double(result.reversalsMax), atMost: 0),
            Check("refused attempts, or it would show nothing", Double(result.refused), atLeast: 1),
        ]
    }
}
