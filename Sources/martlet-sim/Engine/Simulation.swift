// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletPolicy

/// Runs a scenario, step by step.
///
/// Time is cut in steps of one length, in which things happen in this order: what befalls the cluster, the life of
/// nodes, who is sent away, who leaves, who comes. The policies are the node's own (`MartletPolicy`); admission decides
/// on every single connection, everything else is counts of clients. There is no queue of events: clients who have
/// everything in common are one cohort, so that a step costs as much for a million of them as for one.
struct Simulation: Sendable {
    let scenario: Scenario
    var random: SeededGenerator
    var nodes: [SimulatedNode] = []
    /// Indexes of nodes that are not gone.
    var alive: [Int] = []
    var waiting: WaitingRoom
    var balancer: any Balancer
    var autoscaler: (any Autoscaler)?
    /// Nodes the balancer sends to, as of its last look.
    var rotation: [Int] = []
    var rotatedAt = -Double.infinity
    /// Nodes wanted.
    var replicas: Int
    var upgrade: RollingUpgrade?
    /// Pods that come back after a crash: when, and how many.
    var restarts: [(at: Double, nodes: Int)] = []
    /// What nodes have told each other.
    var announcements: Announcements
    var announcedAt = -Double.infinity
    /// What the autoscaler's metrics say: of the last scrape, and of the one before.
    var scraped: [[PodObservation]] = []
    var scrapedAt = -Double.infinity
    var scaledAt = 0.0
    var costsAt = -Double.infinity
    var faults: [Fault]
    var tally: SecondTally
    var everFull: [Bool] = []
    var result = SimulationResult()

    init(_ scenario: Scenario) {
        self.scenario = scenario
        self.random = SeededGenerator(seed: scenario.seed)
        self.waiting = WaitingRoom(step: scenario.step)
        self.balancer = scenario.balancer
        self.autoscaler = scenario.autoscaler
        self.replicas = scenario.nodes
        self.faults = scenario.faults.sorted { $0.at < $1.at }
        self.tally = SecondTally(interval: scenario.sampleInterval)
        self.announcements = Announcements(scenario.model)
        for index in 0..<scenario.nodes {
            var node = SimulatedNode(scenario.model, now: 0, seed: self.random.next())
            node.startSettled(at: 0)
            node.fill(scenario.open(index), now: 0)
            self.append(node)
        }
        self.result.scalings.append((0, scenario.nodes))
    }

    /// The whole of it.
    static func run(_ scenario: Scenario) -> SimulationResult {
        var simulation = Simulation(scenario)
        let steps = Int((scenario.length / scenario.step).rounded())
        for step in 0..<steps { simulation.step(Double(step) * scenario.step) }
        return simulation.finish()
    }

    mutating func append(_ node: SimulatedNode) {
        self.alive.append(self.nodes.count)
        self.nodes.append(node)
        self.everFull.append(false)
    }

    /// A pod that is wanted, and is to run.
    mutating func create(_ now: Double) {
        self.append(SimulatedNode(self.scenario.model, now: now, seed: self.random.next()))
    }

    private mutating func step(_ now: Double) {
        self.befall(now)
        self.scale(now)
        self.live(now)
        self.rebalance(now)
        self.depart()
        self.rotate(now)
        self.connect(self.arriving(now), now)
        self.sample(now)
    }

    private mutating func sample(_ now: Double) {
        for index in self.alive where self.nodes[index].isFull { self.everFull[index] = true }
        guard let closed = self.tally.advance(to: now + self.scenario.step) else { return }
        self.result.reconnectsPeak = max(self.result.reconnectsPeak, closed.reconnects)
        self.result.refusedPeak = max(self.result.refusedPeak, closed.refused)
        if closed.isSample { self.result.samples.append(self.state(now + self.scenario.step, closed)) }
    }

    private func state(_ now: Double, _ tally: SecondTally.Closed) -> Sample {
        var sample = Sample()
        sample.time = now
        sample.reconnects = tally.reconnectsMost
        sample.refused = tally.refusedMost
        sample.waiting = self.waiting.count
        sample.openMin = .max
        for index in self.alive {
            let node = self.nodes[index]
            sample.open += node.open
            switch node.phase {
            case .pending, .starting: sample.nodesStarting += 1
            case .draining: sample.nodesDraining += 1
            case .gone: break
            case .ready:
                sample.nodesReady += 1
                sample.openMean += Double(node.open)
                sample.openMin = min(sample.openMin, node.open)
                sample.openMax = max(sample.openMax, node.open)
            }
        }
        if sample.nodesReady > 0 { sample.openMean /= Double(sample.nodesReady) } else { sample.openMin = 0 }
        return sample
    }

    private mutating func finish() -> SimulationResult {
        self.result.reversalsMax = self.nodes.map(\.reversals).max() ?? 0
        self.result.shed = self.nodes.reduce(0) { $0 + $1.shed }
        self.result.nodesEverFull = self.everFull.count { $0 }
        self.result.waitingLongest = self.waiting.longest(at: self.scenario.length)
        self.result.admittedPeakOfNode = self.tally.admittedMost
        return self.result
    }
}
