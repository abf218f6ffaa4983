// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletInstruments
import MartletPolicy
import TestSupport
import Testing

@testable import MartletNode

@Suite("What a node advises")
struct RebalancerTests {
    private let bus = SharedBus()
    private let node: FakeNode
    private let metrics = MetricsRegistry()
    private let rebalancer: Rebalancer

    init() {
        let metrics = self.metrics
        let node = FakeNode("a", on: self.bus)
        self.node = node
        let hub = Hub(mailboxes: [], metrics: HubMetrics(metrics)) { _ in }
        var configuration = NodeConfiguration()
        configuration.rebalance.period = .milliseconds(100)
        self.rebalancer = Rebalancer(
            configuration, cluster: node.cluster, hub: hub, metrics: metrics, logger: node.log.logger)
    }

    /// Ten others that hold 6,000 of 10,000 connections each.
    private func hear(secondsAgo seconds: Int64 = 0) {
        for index in 0..<10 {
            let member = ClusterMember(
                id: "\(index)", name: "\(index)", version: "", startedAt: 0, uptime: 3_600, connections: 6_000,
                capacity: 10_000, state: "ready")
            self.node.cluster.membership.heard(member, at: Clock.monotonic - seconds * 1_000_000_000)
        }
    }

    /// Periods that are over, at least 100 ms each.
    private var decisions: Int {
        self.metrics.exposition().split(separator: "\n").reduce(0) { sum, line in
            guard line.hasPrefix("martlet_rebalance_decisions_total{") else { return sum }
            return sum + (line.split(separator: " ").last.flatMap { Int($0) } ?? 0)
        }
    }

    @Test func standsWhileMostAreSilent() {
        self.hear()
        // One connection is what this node takes; the others' mean is brought down by it.
        let advice = self.rebalancer.desiredNodes
        #expect(advice > 9)
        self.hear(secondsAgo: 20)
        #expect(self.node.cluster.membership.seen().isEmpty)
        #expect(self.rebalancer.desiredNodes == advice)
    }

    @Test func standsForAWhileAfterAnOutageThatNobodyAskedIn() async {
        self.hear()
        let advice = self.rebalancer.desiredNodes
        let running = Task { await self.rebalancer.run() }
        self.bus.change { $0.cut = ["id-a"] }
        // Longer ago than the lost are missed for, so that nothing but the outage speaks for them.
        self.hear(secondsAgo: 400)
        let view = self.node.cluster.membership.view()
        #expect(view.seen.isEmpty && view.recent == 0)
        // It looks by itself, once a second.
        let before = self.decisions
        #expect(await eventually(within: .seconds(30)) { self.decisions >= before + 15 })
        self.bus.change { $0.cut = [] }
        #expect(self.rebalancer.desiredNodes == advice)
        running.cancel()
    }
}
