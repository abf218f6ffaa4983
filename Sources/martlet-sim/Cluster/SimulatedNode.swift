// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletPolicy

/// A node: the node's own policies, and what they need to be asked.
struct SimulatedNode: Sendable {
    enum Phase: Sendable {
        case pending, starting, ready, draining, gone
    }

    /// Which address its clients have does not matter, as nothing is limited by it.
    private static let address = PeerAddress(v4: 0)

    private struct Shedding: Sendable {
        var pace: DrainPace
        /// In seconds.
        var startedAt: Double
        var closed = 0
    }

    let model: NodeModel
    private(set) var phase = Phase.pending
    /// When the phase began, in seconds.
    private(set) var since: Double
    private(set) var admission: Admission
    private var rebalance: RebalancePolicy
    /// When the others first heard of it, in nanoseconds; nil until it runs.
    private(set) var announcedAt: Int64?
    /// When it came into the balancer's rotation, in seconds.
    var rotatedIn = -Double.infinity
    /// As it was last written, which is later than it was true.
    var deletionCost: Int32 = 0
    /// Whether a rolling upgrade is to replace it.
    var isOutdated = false
    private var drain: DrainPace?
    private var drained = 0
    private var shedding: Shedding?
    private var advice = SteadyAdvice(DesiredNodes(), silence: MemberMemory.silenceMax)
    /// By which event streams are told when to come back.
    var pauses: GoldenSequence
    /// Connections sent away for balance, and how often it went from that to well below its share and back.
    private(set) var shed = 0
    private(set) var reversals = 0
    private var isBelowAfterShedding = false

    /// - Parameter seed: Of what it tells event streams.
    init(_ model: NodeModel, now: Double, seed: UInt64) {
        self.model = model
        self.since = now
        self.admission = Admission(model.admission, now: now.asNanoseconds)
        self.rebalance = RebalancePolicy(model.rebalance)
        self.pauses = GoldenSequence(start: seed)
    }

    var open: Int { self.admission.connections }
    var isFull: Bool { self.open >= self.model.connectionsMax }
    /// Whether `/readyz` says yes.
    var isReady: Bool { self.phase == .ready && !self.isFull }
    var settling: Int64 { self.rebalance.settling }

    // MARK: - Life

    /// Goes on with its life, and says how many connections the drain ends now.
    mutating func advance(to now: Double) -> Int {
        switch self.phase {
        case .pending where now - self.since >= self.model.pendingTime:
            self.enter(.starting, now)
            self.announcedAt = now.asNanoseconds
        case .starting where now - self.since >= self.model.catchUpTime: self.becomeReady(at: now)
        case .draining: return self.advanceDrain(now)
        case .pending, .starting, .ready, .gone: break
        }
        return 0
    }

    /// Starts ready and long known, as a node that was there before the simulation began.
    mutating func startSettled(at now: Double) {
        self.announcedAt = (now - 3_600).asNanoseconds
        self.admission = Admission(self.model.admission, now: (now - 3_600).asNanoseconds)
        self.admission.enter(.ready, now: (now - 3_600).asNanoseconds)
        self.enter(.ready, now - 3_600)
        self.rotatedIn = now - 3_600
    }

    private mutating func becomeReady(at now: Double) {
        self.admission.enter(.ready, now: now.asNanoseconds)
        self.enter(.ready, now)
    }

    /// SIGTERM. A node that was never ready has nothing to drain.
    mutating func terminate(at now: Double) {
        self.enter(self.open > 0 || self.phase == .ready ? .draining : .gone, now)
    }

    /// Gone without a goodbye.
    mutating func kill(at now: Double) -> Int {
        let lost = self.open
        self.release(lost)
        self.enter(.gone, now)
        return lost
    }

    private mutating func advanceDrain(_ now: Double) -> Int {
        let elapsed = now - self.since - self.model.drainDelay
        guard elapsed >= 0 else { return 0 }
        if self.drain == nil {
            self.admission.enter(.draining, now: now.asNanoseconds)
            self.drain = DrainPace(connections: self.open, window: .seconds(self.model.drainWindow))
        }
        let closing = min(self.open, self.drain?.toClose(after: elapsed.asNanoseconds, closed: self.drained) ?? 0)
        self.release(closing)
        self.drained += closing
        if self.open == 0 { self.enter(.gone, now) }
        return closing
    }

    private mutating func enter(_ phase: Phase, _ now: Double) {
        self.phase = phase
        self.since = now
    }

    // MARK: - Connections

    /// Lets in whom the node's admission lets in; the verdict on the first whom it does not.
    mutating func admit(_ count: Int, now: Double, _ random: inout SeededGenerator) -> (
        admitted: Int, AdmissionVerdict?
    ) {
        let now = now.asNanoseconds
        for admitted in 0..<count {
            let verdict = self.admission.admit(Self.address, now: now, random: random.uniform())
            guard verdict == .admit else { return (admitted, verdict) }
        }
        return (count, nil)
    }

    /// Fills it before the simulation begins.
    mutating func fill(_ count: Int, now: Double) {
        // An hour's worth of tokens would not do at once: the bucket is asked as time goes by.
        var left = min(count, self.model.connectionsMax)
        var then = (now - 3_600).asNanoseconds
        while left > 0 {
            then += 1_000_000_000
            while left > 0, self.admission.admit(Self.address, now: then, random: 0) == .admit { left -= 1 }
        }
    }

    /// Some went of their own will.
    mutating func leave(_ count: Int) { self.release(min(count, self.open)) }

    private mutating func release(_ count: Int) {
        for _ in 0..<count { self.admission.released(Self.address, user: nil) }
    }

    // MARK: - Rebalancing

    /// As it announces itself.
    func load(at now: Double) -> MemberLoad? {
        guard let announcedAt = self.announcedAt, self.phase != .gone else { return nil }
        let state: MemberLoad.State =
            switch self.phase {
            case .ready: .serving
            case .draining: .draining
            case .pending, .starting, .gone: .starting
            }
        let refusedAt = self.admission.refusedForRateAt ?? .min / 2
        return MemberLoad(
            connections: self.open, capacity: self.model.connectionsMax, state: state,
            isRefusing: now.asNanoseconds - refusedAt < MemberMemory.refusingTime, firstSeen: announcedAt)
    }

    /// Asks the policy for the period that begins.
    mutating func decide(now: Double, _ cluster: ClusterLoad) {
        guard let load = self.load(at: now) else { return }
        let share = cluster.utilization * Double(load.capacity)
        guard case .shed(let count) = self.rebalance.decide(now: now.asNanoseconds, own: load, cluster: cluster) else {
            if self.shed > 0 && Double(self.open) < share * 0.95 { self.isBelowAfterShedding = true }
            return
        }
        if self.isBelowAfterShedding { self.reversals += 1 }
        self.isBelowAfterShedding = false
        let window = RebalanceConfiguration.sheddingTime(of: self.model.rebalance.period)
        self.shedding = Shedding(pace: DrainPace(connections: count, window: window), startedAt: now)
    }

    /// Hears of the others between two decisions.
    mutating func heard(_ cluster: ClusterLoad, now: Double) {
        if self.shedding != nil, !self.rebalance.mayGoOn(cluster) {
            self.shedding = nil
            self.rebalance.stopped()
        }
        _ = self.desiredNodes(cluster, now: now)
    }

    /// Sends away what is due; a drain sends away all.
    mutating func shed(at now: Double) -> Int {
        guard let shedding = self.shedding, self.drain == nil else { return 0 }
        let elapsed = (now - shedding.startedAt).asNanoseconds
        let count = min(self.open, shedding.pace.toClose(after: elapsed, closed: shedding.closed))
        self.shedding?.closed += count
        self.shed += count
        self.release(count)
        return count
    }

    // MARK: - Advice

    /// `martlet_desired_nodes`.
    mutating func desiredNodes(_ cluster: ClusterLoad, now: Double) -> Int {
        self.advice.nodes(cluster, isCutOff: false, now: now.asNanoseconds)
    }
}

extension Double {
    /// Seconds, as the policies count time.
    var asNanoseconds: Int64 { Int64((self * 1e9).rounded()) }
}
