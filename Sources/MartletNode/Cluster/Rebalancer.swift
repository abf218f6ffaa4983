// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletCore
import MartletEdge
import MartletHub
import MartletInstruments
import MartletPolicy
import Synchronization

/// Gives connections away where this node has more than its share, and says how many nodes there should be.
final class Rebalancer: Sendable {
    private struct State {
        var policy: RebalancePolicy
        var period: Duration
        var last = RebalanceDecision.hold(.unsettled)
        /// When it was last decided to shed, in monotonic nanoseconds.
        var shedsSince: Int64?
        var advice: SteadyAdvice
    }

    /// How often it is looked whether a period is over: a period that was shortened holds soon.
    private static let pollInterval: Duration = .milliseconds(100)
    /// How often it is looked whether the others are seen, whoever asks for advice: much less than a member's silence.
    private static let lookInterval: Duration = .seconds(1)

    private let cluster: Cluster
    private let hub: Hub
    private let logger: Logger
    private let startedAt = Clock.monotonic
    private let state: Mutex<State>
    private let shed: Counter
    private let decisions: [String: Counter]

    init(
        _ configuration: NodeConfiguration, cluster: Cluster, hub: Hub, metrics: MetricsRegistry, logger: Logger
    ) {
        self.cluster = cluster
        self.hub = hub
        self.logger = logger
        self.state = Mutex(
            State(
                policy: RebalancePolicy(configuration.rebalance), period: configuration.rebalance.period,
                advice: SteadyAdvice(configuration.desiredNodes, silence: MemberMemory.silenceMax)))
        self.shed = metrics.counter(
            "martlet_rebalance_shed_total", "Connections that were to go because the node had more than its share.")
        let outcomes = ["shed"] + RebalanceDecision.Reason.allCases.map(\.rawValue)
        self.decisions = Dictionary(
            uniqueKeysWithValues: outcomes.map { outcome in
                (
                    outcome,
                    metrics.counter(
                        "martlet_rebalance_decisions_total",
                        "Periods, by what was decided: to shed, or why not.", labels: [("outcome", outcome)])
                )
            })
        metrics.reader(
            "martlet_desired_nodes", .gauge, "Advice: nodes that the cluster should have, with headroom and a reserve."
        ) { [weak self] in Double(self?.desiredNodes ?? 1) }
        metrics.reader(
            "martlet_deletion_cost", .gauge, "What it costs to end this node: the lowest should go first."
        ) { [weak self] in Double(self?.deletionCost ?? 0) }
    }

    func reconfigure(_ configuration: RebalanceConfiguration) {
        self.state.withLock { state in
            state.policy.reconfigure(configuration)
            state.period = configuration.period
            state.shedsSince = nil
        }
        self.hub.stopShedding()
    }

    /// What was decided last, as its metric calls it.
    var lastDecision: String { Self.name(of: self.state.withLock { $0.last }) }

    /// While the others cannot be seen, not less than when they could.
    var desiredNodes: Int {
        let now = Clock.monotonic
        let (cluster, isCutOff) = (self.load(settling: 0, at: now).cluster, self.cluster.isCutOff)
        return self.state.withLock { $0.advice.nodes(cluster, isCutOff: isCutOff, now: now) }
    }

    private var deletionCost: Int32 {
        guard let own = self.cluster.own else { return 0 }
        return DeletionCost.cost(
            connections: own.connections, isDraining: own.load(firstSeen: 0).state == .draining)
    }

    /// Decides once a period, until it is cancelled.
    func run() async {
        var next = ContinuousClock.now + self.state.withLock { $0.period }
        var nextLook = ContinuousClock.now
        while (try? await Task.sleep(for: Self.pollInterval)) != nil {
            if ContinuousClock.now >= nextLook {
                nextLook = .now + Self.lookInterval
                _ = self.desiredNodes
                self.stopForOthers()
            }
            let period = self.state.withLock { $0.period }
            guard ContinuousClock.now >= min(next, .now + period) else { continue }
            next = .now + period
            self.decide(over: period)
        }
    }

    /// What is under way ends where others have begun to drain or to refuse.
    private func stopForOthers() {
        let now = Clock.monotonic
        let stops = self.state.withLock { state in
            let window = RebalanceConfiguration.sheddingTime(of: state.period).nanoseconds
            guard let since = state.shedsSince, now - since < window else { return false }
            let cluster = self.load(settling: state.policy.settling, at: now).cluster
            if state.policy.mayGoOn(cluster) { return false }
            state.shedsSince = nil
            state.policy.stopped()
            return true
        }
        if stops { self.hub.stopShedding() }
    }

    private func decide(over period: Duration) {
        let now = Clock.monotonic
        let decision = self.state.withLock { state in
            let load = self.load(settling: state.policy.settling, at: now)
            state.last = state.policy.decide(now: now, own: load.own, cluster: load.cluster)
            if case .shed = state.last { state.shedsSince = now }
            return state.last
        }
        self.decisions[Self.name(of: decision)]?.add()
        guard case .shed(let count) = decision else { return }
        self.shed.add(count)
        self.logger.info("more than its share: some are sent to other nodes", metadata: ["connections": "\(count)"])
        self.hub.shed(count, over: RebalanceConfiguration.sheddingTime(of: period))
    }

    /// This node as it is now, and the others as they last said.
    private func load(settling: Int64, at now: Int64) -> (own: MemberLoad, cluster: ClusterLoad) {
        let (view, own) = (self.cluster.membership.view(at: now), self.cluster.own)
        let ownLoad =
            own?.load(firstSeen: self.startedAt)
            ?? MemberLoad(connections: 0, capacity: 0, state: .starting, firstSeen: self.startedAt)
        let others = view.seen.lazy.filter { $0.member.id != own?.id }.map { $0.member.load(firstSeen: $0.first) }
        let cluster = ClusterLoad(Array(others) + [ownLoad], recent: view.recent, now: now, settling: settling)
        return (ownLoad, cluster)
    }

    private static func name(of decision: RebalanceDecision) -> String {
        switch decision {
        case .hold(let reason): reason.rawValue
        case .shed: "shed"
        }
    }
}
