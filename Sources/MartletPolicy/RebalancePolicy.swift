// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// Decides how many of its connections a node sends away, so that a new node comes to its share with any balancer.
///
/// A value with a little memory, one a node: the node and the simulation ask it once a period, with what they know of
/// the cluster at that time (`ClusterLoad`) and of the node itself. Time is monotonic nanoseconds, given; there is no
/// clock, no chance and no memory taken. Use:
///
///     var policy = RebalancePolicy(configuration)
///     // every configuration.period:
///     let cluster = ClusterLoad(members, recent: recent, now: now, settling: policy.settling)
///     if case .shed(let count) = policy.decide(now: now, own: own, cluster: cluster) { … over one period … }
///
/// A node's share is the cluster's utilization times its own capacity. What is above it is shed by halves at most, so a
/// node cannot fall below its share by its own doing, and what others are above their shares together becomes less
/// with every period wherever the balancer sends those who come back: there is nothing to oscillate. A balancer that
/// sends them back, as one by counts does to the small ones of nodes of unlike sizes, is tried again after rests that
/// double up to a day.
package struct RebalancePolicy: Sendable {
    /// Times the excess that a node has sent away in vain before it rests, at first and after a rest.
    private static let patience = 4.0
    private static let patienceAgain = 1.0
    /// What of its excess a node must have lost by then, for it not to have been in vain.
    private static let progress = 0.1
    /// Periods of the first rest; each further one is twice as long, up to so many times and a day.
    private static let restPeriods: Int64 = 30
    private static let restDoublings = 8
    private static let restMax: Int64 = 86_400_000_000_000
    /// Who was even for so long at least, in nanoseconds, is that not for a moment: those sent away would be back.
    private static let evenMin: Int64 = 30_000_000_000
    /// Times the excess it rests with that ends a rest: another node came, and the cluster is another.
    private static let restEnd = 2.0

    private var configuration: RebalanceConfiguration
    private var period: Int64
    private var decidedAt: Int64?
    /// Since when the node is above what is tolerated.
    private var aboveSince: Int64?
    /// Since when it is not, while an attempt or a rest is remembered.
    private var evenSince: Int64?
    private var attempt: Attempt?
    private var rest: Rest?
    private var rests = 0

    /// What the node had too much when it began to shed, and what it shed since.
    private struct Attempt: Sendable {
        var excess: Double
        /// The excess as a part of the share.
        var ratio: Double
        var shed = 0
        /// Of that, in the last period.
        var last = 0
    }

    private struct Rest: Sendable {
        var until: Int64
        /// The excess it rests with, as a part of the share.
        var ratio: Double
    }

    package init(_ configuration: RebalanceConfiguration) {
        self.configuration = configuration
        self.period = max(1, configuration.period.nanoseconds)
    }

    /// Takes other settings, and begins to look anew.
    package mutating func reconfigure(_ configuration: RebalanceConfiguration) {
        self = RebalancePolicy(configuration)
    }

    /// How long a member is seen before it counts, in nanoseconds.
    package var settling: Int64 { self.configuration.settling.nanoseconds }

    /// What to do in the period that begins.
    ///
    /// - Parameters:
    ///   - own: The node that asks, as it knows itself; `firstSeen` is when it began to announce itself.
    ///   - cluster: Of all members that are present, this node among them.
    package mutating func decide(now: Int64, own: MemberLoad, cluster: ClusterLoad) -> RebalanceDecision {
        // Who did not look for a while, because it was stopped or starved, knows nothing of what was meanwhile.
        if let decidedAt, now - decidedAt > 3 * self.period { self.forget() }
        self.decidedAt = now
        if let obstacle = self.obstacle(now, own, cluster) {
            self.forget()
            return .hold(obstacle)
        }
        let share = cluster.utilization * Double(own.capacity)
        let excess = Double(own.connections) - share
        guard excess > share * self.configuration.tolerance, excess >= Double(self.configuration.excessMin) else {
            self.levelOut(now)
            return .hold(.even)
        }
        self.evenSince = nil
        let since = self.aboveSince ?? now
        self.aboveSince = since
        if now - since < self.configuration.sustained.nanoseconds { return .hold(.waiting) }
        if cluster.utilization >= 1 { return .hold(.full) }
        if let storm = self.storm(cluster) { return .hold(storm) }
        return self.shed(excess, share: share, now: now)
    }

    /// Whether what the node began to shed may go on, by what others have begun since.
    package func mayGoOn(_ cluster: ClusterLoad) -> Bool { self.storm(cluster) == nil }

    /// To be called where it did not go on: what was not sent away was not in vain.
    package mutating func stopped() {
        guard var attempt = self.attempt else { return }
        attempt.shed -= attempt.last
        attempt.last = 0
        self.attempt = attempt
    }

    /// What others do that moves enough connections already.
    private func storm(_ cluster: ClusterLoad) -> RebalanceDecision.Reason? {
        // What a drain sends away is on its way, and evens out more than is tolerated here: both at once would be a peak.
        if cluster.drainingPart > self.configuration.tolerance { return .draining }
        return cluster.isRefusing ? .refusing : nil
    }

    /// What keeps the node from knowing its share.
    private func obstacle(_ now: Int64, _ own: MemberLoad, _ cluster: ClusterLoad) -> RebalanceDecision.Reason? {
        guard self.configuration.isEnabled else { return .off }
        guard own.state == .serving, own.capacity > 0, now - own.firstSeen >= self.settling else { return .unsettled }
        if cluster.isTorn { return .torn }
        return cluster.settled > 1 ? nil : .alone
    }

    /// What was tried is forgotten only by who stays even: sent away in vain, many are under way for a moment.
    private mutating func levelOut(_ now: Int64) {
        self.aboveSince = nil
        let since = self.evenSince ?? now
        self.evenSince = since
        guard now - since >= max(self.configuration.sustained.nanoseconds, Self.evenMin) else { return }
        self.forget()
        self.rests = 0
    }

    private mutating func shed(_ excess: Double, share: Double, now: Int64) -> RebalanceDecision {
        let ratio = excess / max(1, share)
        if let rest {
            let isAnother = ratio > Self.restEnd * rest.ratio
            if now < rest.until, !isAnother { return .hold(.resting) }
            self.rest = nil
            if isAnother { self.rests = 0 }
        }
        var attempt = self.attempt ?? Attempt(excess: excess, ratio: ratio)
        // Where more nodes came meanwhile there is more to send away, and that is not in vain.
        attempt.excess = max(attempt.excess, excess)
        attempt.ratio = max(attempt.ratio, ratio)
        let patience = self.rests > 0 ? Self.patienceAgain : Self.patience
        if Double(attempt.shed) >= patience * attempt.excess {
            if ratio > attempt.ratio * (1 - Self.progress) {
                let periods = Self.restPeriods << Int64(min(self.rests, Self.restDoublings))
                let length = min(self.period, Self.restMax / periods) * periods
                self.rest = Rest(until: now + length, ratio: attempt.ratio)
                self.rests += 1
                self.attempt = nil
                return .hold(.resting)
            }
            attempt = Attempt(excess: excess, ratio: ratio)
        }
        let most = max(0, self.configuration.rate) * Double(self.period) / 1e9
        // Half of a single connection is none: what is left over stays.
        let count = Int(min(excess / 2, most, 1e9))
        attempt.shed += count
        attempt.last = count
        self.attempt = attempt
        return count > 0 ? .shed(count) : .hold(.even)
    }

    private mutating func forget() {
        self.aboveSince = nil
        self.evenSince = nil
        self.attempt = nil
        self.rest = nil
    }
}
