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
                    self.sendBack(self.nodes[index].kill(at: now), now, told: false)
                    self.losses.append(now)
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
                var node = SimulatedNode(self.scenario.model, now: now - self.scenario.model.pendingTime)
                _ = node.advance(to: now)
                self.append(node)
            }
        }
        self.restarts.removeAll { $0.at <= now }
    }

    mutating func live(_ now: Double) {
        for index in self.alive {
            let sent = self.nodes[index].advance(to: now)
            if sent > 0 { self.sendBack(sent, now, told: true) }
        }
        self.alive.removeAll { self.nodes[$0].phase == .gone }
    }

    /// Clients who lost their connection come back: told when by a node, or by themselves.
    private mutating func sendBack(_ count: Int, _ now: Double, told: Bool) {
        let streams = self.random.binomialShare(count, self.scenario.clients.eventStreamShare)
        for (kind, part) in [(ClientKind.eventStream, streams), (.sdk, count - streams)] {
            let cohort = Cohort(kind: kind, isReturning: true, since: Int32(clamping: Int(now)), count: part)
            let clients = self.scenario.clients
            self.waiting.scatter(cohort, &self.random) { random in
                told
                    ? clients.delayAfterClose(kind, random: random)
                    : clients.delayAfterFailure(kind, attempt: 0, random: random)
            }
        }
    }

    mutating func rebalance(_ now: Double) {
        if now - self.announcedAt >= self.scenario.model.announcePeriod {
            self.announcedAt = now
            let members = self.alive.compactMap { self.nodes[$0].load(at: now) }
            let missedSince = now - self.scenario.model.missedTime
            self.losses.removeAll { $0 < missedSince }
            self.cluster = ClusterLoad(
                members, recent: members.count + self.losses.count, now: now.asNanoseconds,
                settling: self.scenario.model.rebalance.settling.nanoseconds)
        }
        guard let cluster = self.cluster else { return }
        let period = self.scenario.model.rebalance.period.inSeconds
        for index in self.alive {
            // Each node decides at its own moment of the period.
            let offset = Double(index % 16) / 16 * period
            let phase = (now - offset).truncatingRemainder(dividingBy: period)
            if now >= offset, phase < self.scenario.step { self.nodes[index].decide(now: now, cluster) }
            let sent = self.nodes[index].shed(in: self.scenario.step)
            if sent > 0 {
                self.sendBack(sent, now, told: true)
                if now > self.scenario.length * 2 / 3 { self.result.shedLately += sent }
            }
        }
    }

    /// Who leaves of their own will.
    mutating func depart() {
        let part = self.scenario.step / self.scenario.clients.lifetime
        for index in self.alive {
            self.nodes[index].leave(self.random.binomial(self.nodes[index].open, part))
        }
    }
}
