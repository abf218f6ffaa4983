// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import martlet_sim

/// The named scenarios, with fewer connections a node so that they take seconds, and what they would say of worse.
@Suite("Scenarios")
struct ScenarioTests {
    private static func failures(_ scenario: Scenario) -> [String] {
        scenario.checks(Simulation.run(scenario)).filter { !$0.holds }.map(\.text)
    }

    // MARK: - The daily wave

    @Test("The chart's autoscaler does not flap under the daily wave", arguments: DailyScenarios.Kind.allCases)
    func wave(kind: DailyScenarios.Kind) {
        #expect(Self.failures(DailyScenarios.wave(kind, days: 1, step: 10, scale: 0.04)) == [])
    }

    @Test("Without its windows and rates it would")
    func flapping() {
        var scenario = DailyScenarios.wave(.hpa, days: 1, step: 10, scale: 0.04)
        let any = [ScalingRules.Policy(kind: .percent, value: 100, period: 15)]
        let rules = ScalingRules(stabilizationWindow: 0, policies: any)
        let target = Double(scenario.model.target)
        scenario.autoscaler = HorizontalPodAutoscaler(
            target: target, limits: 3...20, behavior: ScalingBehavior(scaleUp: rules, scaleDown: rules))
        scenario.arrivals = DailyWave(low: 3_600, high: 21_600, ripple: 0.15)
        let failures = Self.failures(scenario)
        #expect(failures.contains { $0.contains("direction changes") })
        #expect(failures.contains { $0.contains("shortest time") })
    }

    // MARK: - Nodes that come and go

    @Test("A lost node of twenty does not topple the others", arguments: [60, 80])
    func lostNode(percent: Int) {
        #expect(Self.failures(LossScenarios.lostNode(percent: percent, step: 0.5, scale: 0.05)) == [])
    }

    @Test("At a utilization that leaves no room it would")
    func lostNodeWithoutRoom() {
        let failures = Self.failures(LossScenarios.lostNode(percent: 98, step: 0.5, scale: 0.05))
        #expect(failures.contains { $0.contains("ever full") } && failures.contains { $0.contains("waiting") })
    }

    @Test("From four to five, with any balancer", arguments: GrowthScenarios.Balancing.allCases)
    func growth(balancing: GrowthScenarios.Balancing) {
        #expect(Self.failures(GrowthScenarios.grow(balancing, step: 1, scale: 0.1)) == [])
    }

    @Test("Without rebalancing the new node stays empty", arguments: GrowthScenarios.Balancing.allCases)
    func growthWithoutRebalancing(balancing: GrowthScenarios.Balancing) {
        var scenario = GrowthScenarios.grow(balancing, step: 1, scale: 0.1)
        scenario.model.rebalances = false
        #expect(Self.failures(scenario).contains { $0.contains("max ÷ mean") })
    }

    @Test("Nor are connections evened out with nodes beyond what the others remember")
    func growthBeyondMemory() {
        var scenario = GrowthScenarios.grow(.leastConnections, step: 1, scale: 0.1)
        scenario.model.membersMax = 4
        #expect(Self.failures(scenario).contains { $0.contains("max ÷ mean") })
    }

    @Test("An upgrade's reconnects stay within a fifth above its pace, and scale-in takes the emptiest")
    func upgrades() {
        #expect(Self.failures(UpgradeScenarios.rolling(step: 0.5, scale: 0.1)) == [])
        #expect(Self.failures(UpgradeScenarios.shrink(step: 0.5, scale: 0.5)) == [])
    }

    @Test("Two nodes that drain at a time exceed it")
    func upgradesAtOnce() {
        var scenario = UpgradeScenarios.rolling(step: 0.5, scale: 0.1)
        scenario.faults = [.scale(to: 2, at: 65)]
        #expect(Self.failures(scenario).contains { $0.contains("reconnects in the worst second") })
    }

    // MARK: - Storms

    @Test("In storms the wait of those who are refused is bounded")
    func storms() {
        #expect(Self.failures(StormScenarios.flashCrowd(step: 1, scale: 0.02)) == [])
        #expect(Self.failures(StormScenarios.regionFailover(step: 0.5, scale: 0.05)) == [])
        #expect(Self.failures(StormScenarios.massReconnect(step: 0.5, scale: 0.05)) == [])
    }

    @Test("Where nobody comes back it is not")
    func stormsWithoutRoom() {
        var scenario = StormScenarios.massReconnect(step: 0.5, scale: 0.05)
        scenario.faults = [.crash(nodes: 10, at: 120, restartAfter: .infinity)]
        #expect(Self.failures(scenario).contains { $0.contains("still waiting") })
    }

    @Test("Many nodes find their balance and rest", arguments: GrowthScenarios.Balancing.allCases)
    func large(balancing: GrowthScenarios.Balancing) {
        #expect(Self.failures(LargeScenarios.uneven(balancing, nodes: 50, step: 2, scale: 0.2)) == [])
    }

    @Test("A zone that is lost is taken in by the others")
    func zone() {
        #expect(Self.failures(LargeScenarios.zoneLost(nodes: 60, step: 0.5, scale: 0.02)) == [])
    }

    // MARK: - The engine

    @Test("Connections and clients who wait are those who came less those who left")
    func books() {
        var scenario = LossScenarios.lostNode(percent: 60, step: 0.5, scale: 0.05)
        scenario.clients.lifetime = 1e12
        let result = Simulation.run(scenario)
        // Next to nobody leaves or is new, so who was there is there: 20 nodes of 1,500.
        #expect(result.samples.allSatisfy { (30_000...30_010).contains($0.open + $0.waiting) })
        #expect(result.waits.count >= 1_500)
    }

    @Test("Half the step tells nearly the same")
    func steps() {
        func results(_ scenario: Scenario) -> [SimulationResult] {
            [1, 0.5].map { part in
                var scenario = scenario
                scenario.step *= part
                return Simulation.run(scenario)
            }
        }
        let upgrade = results(UpgradeScenarios.rolling(step: 0.25, scale: 0.2)).map { Double($0.reconnectsPeak) }
        #expect(abs(upgrade[1] / upgrade[0] - 1) < 0.1, "\(upgrade)")
        let growth = results(GrowthScenarios.grow(.randomTwo, step: 0.5, scale: 0.2)).map { $0.maxOverMean(at: 720) }
        #expect(abs(growth[1] - growth[0]) < 0.02, "\(growth)")
        let storm = results(StormScenarios.massReconnect(step: 0.5, scale: 0.05)).map { Double($0.waits.longest) }
        #expect(abs(storm[1] - storm[0]) <= 5, "\(storm)")
    }

    @Test("The same seed tells the same story, another seed another one")
    func determinism() throws {
        var scenario = StormScenarios.massReconnect(step: 0.5, scale: 0.02)
        func story() throws -> String { try ScenarioReport(scenario, Simulation.run(scenario), took: .zero).json() }
        let first = try story()
        #expect(try story() == first)
        scenario.seed += 1
        #expect(try story() != first)
    }

    @Test("Scenarios have names of their own")
    func names() {
        let names = ScenarioCatalogue.all.map(\.name)
        #expect(Set(names).count == names.count && !names.contains("all"))
    }
}
