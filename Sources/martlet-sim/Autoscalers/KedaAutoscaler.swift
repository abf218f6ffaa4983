// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A ScaledObject of KEDA: an HPA of its own making on an external metric, the sum of all open connections.
///
/// Between one node and the most it is that HPA's formula (`GetExternalPerPodMetricReplicas`): ⌈sum ÷ threshold⌉, and
/// nothing within the tolerance. It sees the sum of *all* pods, those that drain included. The metric is as old as the
/// polling interval allows (`useCachedMetrics`; without it, it is younger). Without a value everything stays as it is.
/// Only from and to zero KEDA decides itself: at once when there is something, after the cooldown when there is nothing.
///
/// https://keda.sh/docs/latest/concepts/scaling-deployments/, https://keda.sh/docs/latest/reference/scaledobject-spec/
struct KedaAutoscaler: Autoscaler {
    /// What it asks Prometheus for.
    enum Metric: Sendable {
        /// The sum of `martlet_open_connections`, and how many of them a node should have.
        case connections(threshold: Double)
        /// The greatest `martlet_desired_nodes`, which is one a node.
        case advice
    }

    var name: String { "KEDA" }
    var interval: Double { HorizontalPodAutoscaler.syncPeriod }
    let metric: Metric
    let limits: ClosedRange<Int>
    /// Seconds.
    let pollingInterval: Double
    let cooldownPeriod: Double
    private var behavior: ScalingBehavior
    private var polled: (at: Double, sum: Double)?
    private var activeAt = 0.0

    init(
        _ metric: Metric, limits: ClosedRange<Int>, pollingInterval: Double = 30, cooldownPeriod: Double = 300,
        behavior: ScalingBehavior
    ) {
        self.metric = metric
        self.limits = limits
        self.pollingInterval = pollingInterval
        self.cooldownPeriod = cooldownPeriod
        self.behavior = behavior
    }

    mutating func replicas(current: Int, pods: [PodObservation], now: Double) -> Int {
        let isDue = self.polled.map { now - $0.at >= self.pollingInterval } ?? true
        if isDue { self.polled = self.value(pods).map { (now, $0) } }
        guard let sum = self.polled?.sum else { return current }
        if sum > 0 { self.activeAt = now }
        if self.limits.lowerBound == 0 {
            if current == 0 { return sum > 0 ? 1 : 0 }
            if sum == 0 && now - self.activeAt >= self.cooldownPeriod { return 0 }
        }
        let threshold: Double =
            switch self.metric {
            case .connections(let threshold): threshold
            case .advice: 1
            }
        let tolerated = HorizontalPodAutoscaler.isTolerated(sum / (threshold * Double(max(1, current))))
        let desired = tolerated ? current : Int((sum / threshold).rounded(.up))
        let least = max(1, self.limits.lowerBound)
        return self.behavior.apply(
            desired, current: current, limits: least...max(least, self.limits.upperBound), now: now)
    }

    private func value(_ pods: [PodObservation]) -> Double? {
        switch self.metric {
        case .connections:
            let values = pods.compactMap(\.openConnections)
            return values.isEmpty ? nil : Double(values.reduce(0, +))
        case .advice: return pods.compactMap(\.desiredNodes).max().map(Double.init)
        }
    }
}
