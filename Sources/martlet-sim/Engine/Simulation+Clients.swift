// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletPolicy

/// Clients that come: to a balancer, to a node, and in, or away until later.
extension Simulation {
    /// What became of those who came in a step, by kind.
    private struct Outcome {
        var admitted = 0
        /// Refused by a node that said when to come back.
        var advised = 0
        /// Refused or failed without such a word.
        var failed = 0
    }

    /// The balancer looks which nodes are ready.
    mutating func rotate(_ now: Double) {
        guard now - self.rotatedAt >= self.scenario.healthCheck else { return }
        self.rotatedAt = now
        self.rotation = self.alive.filter { self.nodes[$0].isReady }
        for index in self.rotation where self.nodes[index].rotatedIn == -.infinity { self.nodes[index].rotatedIn = now }
    }

    /// New clients, and those whose time to come back it is.
    mutating func arriving(_ now: Double) -> [Cohort] {
        var cohorts = self.waiting.next()
        let open = self.alive.reduce(0) { $0 + self.nodes[$1].open }
        let due = cohorts.reduce(0) { $0 + $1.count }
        let clients = self.scenario.clients
        let rate = self.scenario.arrivals.rate(
            at: now, open: open, all: open + due + self.waiting.count, lifetime: clients.lifetime)
        let new = self.random.poisson(rate * self.scenario.step)
        let streams = self.random.binomialShare(new, clients.eventStreamShare)
        let since = Int32(clamping: Int(now))
        cohorts.append(Cohort(kind: .sdk, since: since, count: new - streams))
        cohorts.append(Cohort(kind: .eventStream, since: since, count: streams))
        return cohorts
    }

    mutating func connect(_ cohorts: [Cohort], _ now: Double) {
        var counts: [Int] = ClientKind.allCases.map { _ in 0 }
        for cohort in cohorts {
            counts[Int(cohort.kind.rawValue)] += cohort.count
            if cohort.isReturning { self.tally.reconnected(cohort.count) }
        }
        guard counts.contains(where: { $0 > 0 }) else { return }
        var advice: [Int] = []
        let outcomes = self.dispatch(counts, now, &advice)
        var advices = AdviceDeck(advice)
        for kind in ClientKind.allCases {
            let outcome = outcomes[Int(kind.rawValue)]
            self.result.admitted += outcome.admitted
            let lost = outcome.advised + outcome.failed
            self.result.refused += lost
            self.tally.refused(lost)
            var shares = Shares(parts: [outcome.admitted, outcome.advised, outcome.failed])
            for cohort in cohorts where cohort.kind == kind && cohort.count > 0 {
                let split = shares.take(cohort.count)
                self.settle(cohort, admitted: split[0], now)
                self.turnAway(cohort, advised: split[1], failed: split[2], &advices)
            }
        }
    }

    private mutating func settle(_ cohort: Cohort, admitted: Int, _ now: Double) {
        guard admitted > 0, cohort.isReturning || Int(cohort.since) < Int(now) else { return }
        self.result.waits.record(seconds: Int(now) - Int(cohort.since), count: admitted)
    }

    private mutating func turnAway(_ cohort: Cohort, advised: Int, failed: Int, _ advices: inout AdviceDeck) {
        let clients = self.scenario.clients
        var again = cohort
        again.attempt = min(again.attempt + 1, 15)
        if advised > 0 {
            for (seconds, count) in advices.draw(advised) {
                again.count = count
                self.waiting.add(again, after: Double(seconds))
            }
        }
        again.count = failed
        let isAlone = self.rotation.isEmpty
        self.waiting.scatter(again, &self.random) { random in
            isAlone
                ? clients.delayWithoutNode(cohort.kind, attempt: again.attempt, random: random)
                : clients.delayAfterFailure(cohort.kind, attempt: again.attempt, random: random)
        }
    }

    /// Sends clients to nodes, and those who were refused with a status to further ones. A refused event stream was
    /// answered, with 200, so no balancer asks again.
    private mutating func dispatch(_ counts: [Int], _ now: Double, _ advice: inout [Int]) -> [Outcome] {
        var left = counts
        var outcomes = counts.map { _ in Outcome() }
        var targets = self.rotation
        for _ in 0...self.scenario.redispatches {
            let total = left.reduce(0, +)
            guard total > 0, !targets.isEmpty else { break }
            var shares = Array(repeating: 0, count: self.nodes.count)
            let view = BalancerView(now: now, open: self.nodes.map(\.open), rotatedIn: self.nodes.map(\.rotatedIn))
            self.balancer.distribute(total, over: targets, view, &self.random, into: &shares)
            var (admitted, refused) = (0, 0)
            var refusing: Set<Int> = []
            for target in targets where shares[target] > 0 {
                let (count, lost) = self.admit(shares[target], by: target, now, &advice)
                admitted += count
                refused += lost
                if count < shares[target] { refusing.insert(target) }
            }
            var split = Shares(parts: [admitted, refused, total - admitted - refused])
            for kind in ClientKind.allCases {
                let index = Int(kind.rawValue)
                let parts = split.take(left[index])
                outcomes[index].admitted += parts[0]
                left[index] -= parts[0]
                if kind == .eventStream {
                    outcomes[index].advised += parts[1]
                    left[index] -= parts[1]
                }
            }
            if refusing.isEmpty { break }
            targets.removeAll { refusing.contains($0) }
        }
        for index in left.indices { outcomes[index].failed = left[index] }
        return outcomes
    }

    /// How many a node lets in, and how many it refuses; those of a node that is gone are neither.
    private mutating func admit(_ count: Int, by target: Int, _ now: Double, _ advice: inout [Int]) -> (Int, Int) {
        guard self.nodes[target].phase != .gone else { return (0, 0) }
        let (admitted, verdict) = self.nodes[target].admit(count, now: now, &self.random)
        self.tally.admitted(admitted, by: target)
        guard verdict != nil else { return (admitted, 0) }
        // A refusal changes nothing, so a few verdicts speak for all the others of this moment.
        var left = count - admitted
        let slices = min(left, 8)
        for slice in 0..<slices {
            let part = left / (slices - slice)
            guard case (0, .refuse(_, let seconds)?) = self.nodes[target].admit(1, now: now, &self.random) else {
                continue
            }
            while advice.count <= seconds { advice.append(0) }
            advice[seconds] += part
            left -= part
        }
        return (admitted, count - admitted)
    }
}
