// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletPolicy

/// What an orchestrator does: metrics, the autoscaler, pods that come and go.
extension Simulation {
    mutating func scale(_ now: Double) {
        self.scrape(now)
        if var autoscaler = self.autoscaler, now - self.scaledAt >= autoscaler.interval, let pods = self.scraped.first {
            self.scaledAt = now
            let wanted = autoscaler.replicas(current: self.replicas, pods: pods, now: now)
            self.autoscaler = autoscaler
            if wanted != self.replicas { self.want(wanted, now) }
        }
        guard let upgrade = self.upgrade else { return }
        switch upgrade.action(self.nodes, wanted: self.replicas, now: now) {
        case .none: break
        case .create: self.create(now)
        case .terminate(let index): self.terminate(index, now)
        case .finished: self.upgrade = nil
        }
    }

    private mutating func scrape(_ now: Double) {
        if now - self.scrapedAt >= self.scenario.scrape {
            self.scrapedAt = now
            var pods: [PodObservation] = []
            for index in self.alive { pods.append(self.observe(index, now)) }
            self.scraped = self.scraped.suffix(1) + [pods]
        }
        guard now - self.costsAt >= self.scenario.costPeriod else { return }
        self.costsAt = now
        for index in self.alive {
            let isDraining = self.nodes[index].phase == .draining
            self.nodes[index].deletionCost = DeletionCost.cost(
                connections: self.nodes[index].open, isDraining: isDraining)
        }
    }

    private mutating func observe(_ index: Int, _ now: Double) -> PodObservation {
        switch self.nodes[index].phase {
        case .pending: return PodObservation(phase: .pending)
        case .starting, .ready, .draining, .gone:
            let isDraining = self.nodes[index].phase == .draining
            var pod = PodObservation(phase: isDraining ? .terminating : .running)
            pod.openConnections = self.nodes[index].open
            if let cluster = self.view(of: index, now) {
                pod.desiredNodes = self.nodes[index].desiredNodes(cluster, now: now)
            }
            return pod
        }
    }

    /// Another number of nodes: new ones, or fewer: those first that are not ready, full ones among them, then the
    /// cheapest.
    mutating func want(_ replicas: Int, _ now: Double) {
        self.replicas = replicas
        self.result.scalings.append((now, replicas))
        let present = self.alive.filter { [.pending, .starting, .ready].contains(self.nodes[$0].phase) }
        let coming = self.restarts.reduce(0) { $0 + $1.nodes }
        let missing = replicas - present.count - coming
        if missing > 0 {
            for _ in 0..<missing { self.create(now) }
            return
        }
        let order = present.sorted { one, other in
            let (first, second) = (self.nodes[one], self.nodes[other])
            if first.isReady != second.isReady { return second.isReady }
            return (first.deletionCost, one) < (second.deletionCost, other)
        }
        for index in order.prefix(-missing) { self.terminate(index, now) }
    }

    private mutating func terminate(_ index: Int, _ now: Double) {
        self.nodes[index].terminate(at: now)
        self.result.drainedMost = max(self.result.drainedMost, self.nodes[index].open)
    }
}
