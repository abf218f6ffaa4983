// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletPolicy

/// The life of nodes, and who is sent away by them.
extension Simulation {
    mutating func befall(_ now: Double) {
        while let fault = self.faults.first, fault.at <= now {
            self.faults.removeFirst()
            switch fault {
            case .crash(let count, _, let restartAfter):
                for index in self.alive.filter({ self.nodes[$0].phase == .ready }).prefix(count) {
                    if let load = self.nodes[index].load(at: now) { self.announcements.lose(load, now) }
                    self.sendBack(self.nodes[index].kill(at: now), from: index, now, told: false)
                }
                self.restarts.append((now + restartAfter, count))
            case .scale(let replicas, _): self.want(replicas, now)
            case .upgrade:
                for index in self.alive { self.nodes[index].isOutdated = true }
                let model = self.scenario.model
                self.upgrade = RollingUpgrade(minReadySeconds: model.drainDelay + model.drainWindow)
            }
        }
        for restart in self.restarts where restart.at <= now {
            for _ in 0..<restart.nodes {
                self.create(now - self.scenario.model.pendingTime)
                _ = self.nodes[self.nodes.count - 1].advance(to: now)
            }
        }
        self.restarts.removeAll { $0.at <= now }
    }

    mutating func live(_ now: Double) {
        for index in self.alive {
            let sent = self.nodes[index].advance(to: now)
            if sent > 0 { self.sendBack(sent, from: index, now, told: true) }
        }
        self.alive.removeAll { self.nodes[$0].phase == .gone }
    }

    /// Clients who lost their connection come back: told when by a node, or by themselves.
    private mutating func sendBack(_ count: Int, from index: Int, _ now: Double, told: Bool) {
        let streams = self.random.binomialShare(count, self.scenario.clients.eventStreamShare)
        var pauses = self.nodes[index].pauses
        defer { self.nodes[index].pauses = pauses }
        for (kind, part) in [(ClientKind.eventStream, streams), (.sdk, count - streams)] {
            let cohort = Cohort(kind: kind, isReturning: true, since: Int32(clamping: Int(now)), count: part)
            let clients = self.scenario.clients
            self.waiting.scatter(cohort, &self.random) { random in
                // An SDK draws by itself, an event stream was told.
                let random = kind == .eventStream ? pauses.next() : random
                return told
                    ? clients.delayAfterClose(kind, random: random)
                    : clients.delayAfterFailure(kind, attempt: 0, random: random)
            }
        }
    }

    mutating func rebalance(_ now: Double) {
        if now - self.announcedAt >= MemberMemory.announceInterval.inSeconds {
            self.announcedAt = now
            let members = self.alive.compactMap { index in self.nodes[index].load(at: now).map { (index, $0) } }
            self.announcements.announce(members, now)
            for index in self.alive {
                if let cluster = self.view(of: index, now) { self.nodes[index].heard(cluster, now: now) }
            }
        }
        let period = self.scenario.model.rebalance.period.inSeconds
        for index in self.alive {
            // Each node decides at its own moment of the period.
            let offset = Double(index % 16) / 16 * period
            let phase = (now - offset).truncatingRemainder(dividingBy: period)
            let sent = self.nodes[index].shed(at: now)
            if now >= offset, phase < self.scenario.step, let cluster = self.view(of: index, now) {
                self.nodes[index].decide(now: now, cluster)
            }
            if sent > 0 {
                self.sendBack(sent, from: index, now, told: true)
                if now > self.scenario.length * 2 / 3 { self.result.shedLately += sent }
            }
        }
    }

    /// The cluster as a node knows it.
    func view(of index: Int, _ now: Double) -> ClusterLoad? {
        self.nodes[index].load(at: now).flatMap { self.announcements.view(of: index, $0) }
    }

    /// Who leaves of their own will.
    mutating func depart() {
        let part = self.scenario.step / self.scenario.clients.lifetime
        for index in self.alive {
            self.nodes[index].leave(self.random.binomial(self.nodes[index].open, part))
        }
    }
}
