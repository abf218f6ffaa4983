// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// `behavior` of a HorizontalPodAutoscaler: stabilization and rate of what its formula says, as its controller does it
/// (`stabilizeRecommendationWithBehaviors`, `convertDesiredReplicasWithBehaviorRate`).
///
/// https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#configurable-scaling-behavior
struct ScalingBehavior: Sendable {
    var scaleUp: ScalingRules
    var scaleDown: ScalingRules
    private var recommendations: [(at: Double, replicas: Int)] = []
    private var changes: [(at: Double, delta: Int)] = []

    init(scaleUp: ScalingRules, scaleDown: ScalingRules) {
        self.scaleUp = scaleUp
        self.scaleDown = scaleDown
    }

    mutating func apply(_ desired: Int, current: Int, limits: ClosedRange<Int>, now: Double) -> Int {
        let stabilized = self.stabilize(desired, current: current, now: now)
        let allowed = self.limitRate(stabilized, current: current, now: now)
        let result = min(max(allowed, limits.lowerBound), limits.upperBound)
        if result != current { self.changes.append((now, result - current)) }
        return result
    }

    /// Grows to the least that was wanted within the window of growing, shrinks to the most within that of shrinking.
    private mutating func stabilize(_ desired: Int, current: Int, now: Double) -> Int {
        var (up, down) = (desired, desired)
        for past in self.recommendations {
            if past.at > now - self.scaleUp.stabilizationWindow { up = min(up, past.replicas) }
            if past.at > now - self.scaleDown.stabilizationWindow { down = max(down, past.replicas) }
        }
        let longest = max(self.scaleUp.stabilizationWindow, self.scaleDown.stabilizationWindow)
        self.recommendations.removeAll { $0.at <= now - longest }
        self.recommendations.append((now, desired))
        return min(max(current, up), down)
    }

    private mutating func limitRate(_ desired: Int, current: Int, now: Double) -> Int {
        let longest = (self.scaleUp.policies + self.scaleDown.policies).map(\.period).max() ?? 0
        self.changes.removeAll { $0.at <= now - longest }
        if desired > current {
            let limits = self.scaleUp.policies.map { policy in
                let start = self.start(of: policy.period, current, now)
                return switch policy.kind {
                case .pods: start + policy.value
                case .percent: Int((Double(start) * (1 + Double(policy.value) / 100)).rounded(.up))
                }
            }
            return min(desired, max(current, limits.max() ?? desired))
        }
        if desired < current {
            let limits = self.scaleDown.policies.map { policy in
                let start = self.start(of: policy.period, current, now)
                return switch policy.kind {
                case .pods: start - policy.value
                case .percent: Int(Double(start) * (1 - Double(policy.value) / 100))
                }
            }
            return max(desired, min(current, limits.min() ?? desired))
        }
        return desired
    }

    /// How many there were when the period began.
    private func start(of period: Double, _ current: Int, _ now: Double) -> Int {
        current - self.changes.reduce(0) { $1.at > now - period ? $0 + $1.delta : $0 }
    }
}
