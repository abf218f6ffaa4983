// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// `autoscaling/v2` with a metric of type Pods and a target of type AverageValue.
///
/// desired = ⌈current × metric ÷ target⌉, and nothing within the tolerance; pods that end are left out, pods whose
/// metric is missing count as at the target when shrinking and as zero when growing, pods that are pending as zero when
/// growing. Written after Kubernetes' documentation and, where it is silent, `calcPlainMetricReplicas` of its
/// `replica_calculator.go`.
///
/// https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
struct HorizontalPodAutoscaler: Autoscaler {
    /// `--horizontal-pod-autoscaler-tolerance`, `--horizontal-pod-autoscaler-sync-period`: Kubernetes' defaults.
    static let tolerance = 0.1
    static let syncPeriod = 15.0

    var name: String { "HPA" }
    var interval: Double { Self.syncPeriod }
    /// Open connections a node should have.
    let target: Double
    let limits: ClosedRange<Int>
    private var behavior: ScalingBehavior

    init(target: Double, limits: ClosedRange<Int>, behavior: ScalingBehavior) {
        self.target = target
        self.limits = limits
        self.behavior = behavior
    }

    mutating func replicas(current: Int, pods: [PodObservation], now: Double) -> Int {
        let desired = self.desired(current: current, pods: pods)
        return self.behavior.apply(desired, current: current, limits: self.limits, now: now)
    }

    /// What the formula alone says.
    func desired(current: Int, pods: [PodObservation]) -> Int {
        let pending = pods.count { $0.phase == .pending }
        let running = pods.filter { $0.phase == .running }
        let values = running.compactMap(\.openConnections)
        guard !values.isEmpty else { return current }
        let missing = running.count - values.count
        let sum = Double(values.reduce(0, +))
        let ratio = sum / Double(values.count) / self.target
        let countsPending = pending > 0 && ratio > 1
        if !countsPending && missing == 0 {
            return Self.isTolerated(ratio) ? current : Int((ratio * Double(values.count)).rounded(.up))
        }
        var assumed = sum
        var count = values.count + missing
        if ratio < 1 { assumed += Double(missing) * self.target }
        if countsPending { count += pending }
        let corrected = assumed / Double(count) / self.target
        if Self.isTolerated(corrected) || (ratio < 1 && corrected > 1) || (ratio > 1 && corrected < 1) {
            return current
        }
        let replicas = Int((corrected * Double(count)).rounded(.up))
        if (corrected < 1 && replicas > current) || (corrected > 1 && replicas < current) { return current }
        return replicas
    }

    static func isTolerated(_ ratio: Double) -> Bool { 1 - Self.tolerance <= ratio && ratio <= 1 + Self.tolerance }
}
