// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A node that is lost: the others must hold.
enum LossScenarios {
    static var all: [Scenario] { [Self.lostNode(percent: 60), Self.lostNode(percent: 80)] }

    /// One of twenty goes without a goodbye, and does not come back.
    static func lostNode(percent: Int, step: Double = 0.25, scale: Double = 1) -> Scenario {
        let model = NodeModel(scale: scale)
        let open = model.connectionsMax * percent / 100
        let others = 19.0
        // What the others take together, then the longest that anybody is told or decides to wait.
        let bound = Double(open) / (others * model.connectsPerSecond) + ClientModel().delayMax
        let rate = model.connectsPerSecond
        var scenario = Scenario(
            name: "lost-node-\(percent)", summary: "One of 20 nodes at \(percent) % is lost and does not come back",
            length: 900, nodes: 20, arrivals: SteadyPopulation(clients: Double(open * 20))
        ) { result in
            [
                Check("other nodes that were ever full", Double(result.nodesEverFull), atMost: 0),
                Check("longest that a client was without a connection, s", Double(result.waits.longest), atMost: bound),
                Check("still waiting for longer than that at the end, s", Double(result.waitingLongest), atMost: bound),
                Check("connections one node took in a second", Double(result.admittedPeakOfNode), atMost: 2 * rate),
                Check("nodes that shed, were short and shed again", Double(result.reversalsMax), atMost: 0),
            ]
        }
        scenario.step = step
        scenario.model = model
        scenario.open = { _ in open }
        scenario.faults = [.crash(nodes: 1, at: 120, restartAfter: .infinity)]
        return scenario
    }
}
