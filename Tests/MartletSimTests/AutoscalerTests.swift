// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import martlet_sim

@Suite("Autoscalers")
struct AutoscalerTests {
    private static func behavior(up: Double = 0, down: Double = 0) -> ScalingBehavior {
        let free = [ScalingRules.Policy(kind: .pods, value: 1_000, period: 15)]
        return ScalingBehavior(
            scaleUp: ScalingRules(stabilizationWindow: up, policies: free),
            scaleDown: ScalingRules(stabilizationWindow: down, policies: free))
    }

    private static func running(_ values: [Int?]) -> [PodObservation] {
        values.map { PodObservation(phase: .running, openConnections: $0) }
    }

    /// With a target of 100.
    private static func desired(_ current: Int, _ pods: [PodObservation]) -> Int {
        HorizontalPodAutoscaler(target: 100, limits: 1...50, behavior: Self.behavior())
            .desired(current: current, pods: pods)
    }

    @Test("The documentation's formula, and its tolerance")
    func formula() {
        #expect(Self.desired(1, Self.running([200])) == 2)
        #expect(Self.desired(2, Self.running([50, 50])) == 1)
        #expect(Self.desired(3, Self.running([150, 150, 150])) == 5)
        #expect(Self.desired(2, Self.running([110, 110])) == 2)
        #expect(Self.desired(2, Self.running([90, 90])) == 2)
        #expect(Self.desired(2, Self.running([111, 111])) == 3)
        #expect(Self.desired(4, []) == 4)
    }

    @Test("Missing metrics move nothing further than they may")
    func missing() {
        #expect(Self.desired(2, Self.running([150, nil])) == 2)
        #expect(Self.desired(2, Self.running([300, nil])) == 3)
        #expect(Self.desired(3, Self.running([10, 10, nil])) == 2)
    }

    @Test("Pods that are not there yet dampen growth; those that end are left out")
    func phases() {
        let pending = PodObservation(phase: .pending, openConnections: nil)
        let leaving = PodObservation(phase: .terminating, openConnections: 500)
        #expect(Self.desired(2, Self.running([150]) + [pending]) == 2)
        #expect(Self.desired(2, Self.running([300]) + [pending]) == 3)
        #expect(Self.desired(2, Self.running([100, 100]) + [leaving]) == 2)
    }

    @Test("Shrinking waits for its window; growing does not")
    func stabilization() {
        var behavior = Self.behavior(down: 300)
        #expect(behavior.apply(5, current: 3, limits: 1...10, now: 0) == 5)
        #expect(behavior.apply(2, current: 5, limits: 1...10, now: 15) == 5)
        #expect(behavior.apply(2, current: 5, limits: 1...10, now: 299) == 5)
        #expect(behavior.apply(2, current: 5, limits: 1...10, now: 301) == 2)
        #expect(behavior.apply(99, current: 2, limits: 1...10, now: 302) == 10)
    }

    @Test("The chart's policies: double or four more a minute, a tenth or one less in five")
    func rates() {
        var behavior = ChartValues.behavior
        #expect(behavior.apply(100, current: 3, limits: 1...200, now: 0) == 7)
        #expect(behavior.apply(100, current: 7, limits: 1...200, now: 15) == 7)
        #expect(behavior.apply(100, current: 7, limits: 1...200, now: 60) == 14)
        var shrinking = ChartValues.behavior
        #expect(shrinking.apply(5, current: 50, limits: 1...200, now: 10_000) == 45)
        #expect(shrinking.apply(5, current: 45, limits: 1...200, now: 10_015) == 45)
        #expect(shrinking.apply(5, current: 45, limits: 1...200, now: 10_300) == 40)
        #expect(shrinking.apply(5, current: 6, limits: 1...200, now: 20_000) == 5)
    }

    @Test("KEDA: what drains counts, a poll is kept, and zero is its own affair")
    func keda() {
        func scaler(_ limits: ClosedRange<Int>) -> KedaAutoscaler {
            KedaAutoscaler(
                .connections(threshold: 100), limits: limits, pollingInterval: 30, cooldownPeriod: 300,
                behavior: Self.behavior())
        }
        var one = scaler(1...10)
        let leaving = PodObservation(phase: .terminating, openConnections: 150)
        #expect(one.replicas(current: 2, pods: Self.running([100, 100]) + [leaving], now: 0) == 4)
        #expect(one.replicas(current: 4, pods: Self.running([100]), now: 15) == 4)
        #expect(one.replicas(current: 4, pods: Self.running([100]), now: 30) == 1)
        var none = scaler(0...10)
        #expect(none.replicas(current: 0, pods: [], now: 0) == 0)
        #expect(none.replicas(current: 0, pods: Self.running([1]), now: 30) == 1)
        #expect(none.replicas(current: 1, pods: Self.running([0]), now: 60) == 1)
        #expect(none.replicas(current: 1, pods: Self.running([0]), now: 360) == 0)
    }

    @Test("KEDA takes the greatest advice of a node, and without any leaves things as they are")
    func advice() {
        var scaler = KedaAutoscaler(.advice, limits: 1...50, behavior: Self.behavior())
        let mute = PodObservation(phase: .pending)
        #expect(scaler.replicas(current: 2, pods: [mute], now: 0) == 2)
        var pods = Self.running([140, 140])
        (pods[0].desiredNodes, pods[1].desiredNodes) = (4, 5)
        #expect(scaler.replicas(current: 2, pods: pods + [mute], now: 15) == 5)
        #expect(scaler.replicas(current: 5, pods: [], now: 45) == 5)
    }
}
