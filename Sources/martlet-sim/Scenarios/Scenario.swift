// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A cluster, its clients, what happens to them, and what must come of it.
struct Scenario: Sendable {
    /// As it is called on the command line.
    var name: String
    var summary: String
    var seed: UInt64 = 1
    /// Length of a step and of the whole, in seconds.
    var step = 1.0
    var length: Double
    var nodes: Int
    /// Open connections of each node at the beginning.
    var open: @Sendable (Int) -> Int = { _ in 0 }
    var model = NodeModel()
    var clients = ClientModel()
    var arrivals: any ArrivalPattern
    var balancer: any Balancer = LeastConnections()
    /// How often a balancer asks another node when one refuses.
    var redispatches = 2
    /// Seconds between a balancer's questions to `/readyz`, as many as it takes to notice.
    var healthCheck = 2.0
    var autoscaler: (any Autoscaler)?
    /// Seconds between scrapes; the autoscaler sees the last one but one.
    var scrape = 15.0
    /// Seconds after which a deletion cost is written.
    var costPeriod = 60.0
    var faults: [Fault] = []
    /// What must hold.
    var checks: @Sendable (SimulationResult) -> [Check]

    /// How many samples a run keeps, which is also what a plot shows.
    static let samples = 360
    var sampleInterval: Double { max(1, self.length / Double(Self.samples)) }
}
