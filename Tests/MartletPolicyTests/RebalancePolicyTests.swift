// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletPolicy
import Testing

struct RebalancePolicyTests {
    private static let second: Int64 = 1_000_000_000

    /// Asks once a second from `start` on, of a node that has `own` and sees `others`.
    private struct Asker {
        var policy = RebalancePolicy(RebalanceConfiguration(period: .seconds(1)))
        var own = MemberLoad(connections: 2_000, capacity: 10_000, firstSeen: 0)
        var others = [MemberLoad(connections: 1_000, capacity: 10_000, firstSeen: 0)]
        var recent = 0
        var now: Int64 = 100

        mutating func decide() -> RebalanceDecision {
            defer { self.now += 1 }
            let now = self.now * RebalancePolicyTests.second
            let cluster = ClusterLoad(
                [self.own] + self.others, recent: self.recent, now: now, settling: self.policy.settling)
            return self.policy.decide(now: now, own: self.own, cluster: cluster)
        }

        mutating func decide(seconds: Int) -> RebalanceDecision {
            var decision = RebalanceDecision.hold(.off)
            for _ in 0..<seconds { decision = self.decide() }
            return decision
        }
    }

    @Test func halfOfASustainedExcessAtABoundedRate() {
        var asker = Asker()
        #expect(asker.decide(seconds: 30) == .hold(.waiting))
        #expect(asker.decide() == .shed(100))
        asker.own.connections = 1_120
        #expect(asker.decide() == .hold(.even))
        asker.own.connections = 1_300
        #expect(asker.decide() == .hold(.waiting))
        #expect(asker.decide(seconds: 30) == .shed(75))
    }

    @Test func theTimeAboveBeginsAgainWithEveryTimeBelow() {
        var asker = Asker()
        _ = asker.decide(seconds: 29)
        asker.own.connections = 1_000
        #expect(asker.decide() == .hold(.even))
        asker.own.connections = 2_000
        #expect(asker.decide(seconds: 30) == .hold(.waiting))
    }

    @Test func sharesAreOfTheCapacity() {
        var asker = Asker()
        asker.own.capacity = 20_000
        #expect(asker.decide(seconds: 60) == .hold(.even))
        // Nodes that are small and full send away, and who holds a little more in a much larger one does not.
        asker.own = MemberLoad(connections: 1_000, capacity: 1_000, firstSeen: 0)
        #expect(asker.decide(seconds: 31) == .shed(100))
    }

    @Test func whoDoesNotCarryAShareIsNotCounted() {
        var asker = Asker()
        for state in [MemberLoad.State.starting, .draining] {
            asker.others = [MemberLoad(connections: 0, capacity: 10_000, state: state, firstSeen: 0)]
            #expect(asker.decide(seconds: 60) == .hold(.alone))
            asker.own.state = state
            #expect(asker.decide(seconds: 60) == .hold(.unsettled))
            asker.own.state = .serving
        }
        asker.others = [MemberLoad(connections: 0, capacity: 10_000, firstSeen: (asker.now - 20) * Self.second)]
        #expect(asker.decide(seconds: 10) == .hold(.alone))
        #expect(asker.decide(seconds: 31) == .shed(100))
        asker.own.firstSeen = asker.now * Self.second
        #expect(asker.decide(seconds: 30) == .hold(.unsettled))
    }

    @Test func nothingIsDoneWhileOthersRefuseOrAllIsFull() {
        var asker = Asker()
        asker.others[0].isRefusing = true
        #expect(asker.decide(seconds: 60) == .hold(.refusing))
        asker.others[0].isRefusing = false
        #expect(asker.decide() == .shed(100))
        asker.others[0].capacity = 500
        asker.own.capacity = 1_000
        asker.others[0].connections = 500
        asker.own.connections = 2_000
        #expect(asker.decide(seconds: 60) == .hold(.full))
    }

    @Test func whatADrainSendsAwayIsWaitedFor() {
        var asker = Asker()
        let draining = MemberLoad(connections: 500, capacity: 10_000, state: .draining, firstSeen: 0)
        asker.others.append(draining)
        #expect(asker.decide(seconds: 60) == .hold(.draining))
        // A node that has nothing left may stay as long as it likes, and one of many changes little.
        asker.others[1].connections = 0
        #expect(asker.decide() == .shed(100))
        asker.others[1].connections = 500
        asker.others += Array(repeating: asker.others[0], count: 18)
        #expect(asker.decide() == .shed(100))
    }

    @Test func whatIsUnderWayStopsForWhatOthersBegin() {
        let asker = Asker()
        func mayGoOn(_ others: [MemberLoad]) -> Bool {
            let cluster = ClusterLoad([asker.own] + others, recent: 2, now: 100 * Self.second, settling: 0)
            return asker.policy.mayGoOn(cluster)
        }
        var other = MemberLoad(connections: 500, capacity: 10_000, firstSeen: 0)
        #expect(mayGoOn([other]))
        other.isRefusing = true
        #expect(!mayGoOn([other]))
        other = MemberLoad(connections: 500, capacity: 10_000, state: .draining, firstSeen: 0)
        #expect(!mayGoOn([other]))
    }

    @Test func aQuorumOfThoseWhoWereThereLately() {
        var asker = Asker()
        asker.recent = 5
        #expect(asker.decide(seconds: 60) == .hold(.torn))
        asker.recent = 4
        #expect(asker.decide(seconds: 30) == .hold(.waiting))
        #expect(asker.decide() == .shed(100))
    }

    @Test func anOffSwitch() {
        var asker = Asker()
        _ = asker.decide(seconds: 40)
        asker.policy.reconfigure(RebalanceConfiguration(isEnabled: false, period: .seconds(1)))
        #expect(asker.decide(seconds: 60) == .hold(.off))
    }

    @Test func whoWasStoppedBeginsToLookAnew() {
        var asker = Asker()
        #expect(asker.decide(seconds: 29) == .hold(.waiting))
        asker.now += 600
        #expect(asker.decide(seconds: 30) == .hold(.waiting))
        #expect(asker.decide() == .shed(100))
    }

    @Test func whatComesBackIsLeftInPeace() {
        var asker = Asker()
        // A balancer that knows its clients sends every one of them to where it was.
        var shed = 0
        for _ in 0..<7_200 {
            if case .shed(let count) = asker.decide() { shed += count }
        }
        // Four times the excess, and then once after each of the rests, which double.
        #expect(shed >= 4_000 && shed <= 6_000)
        // Even for a moment is nothing; even for as long as it takes to be above is.
        asker.own.connections = 1_000
        #expect(asker.decide(seconds: 30) == .hold(.even))
        asker.own.connections = 2_000
        #expect(asker.decide(seconds: 31) == .hold(.resting))
        asker.own.connections = 1_000
        #expect(asker.decide(seconds: 31) == .hold(.even))
        asker.own.connections = 2_000
        _ = asker.decide(seconds: 30)
        #expect(asker.decide() == .shed(100))
    }

    /// Fifteen nodes come while what the first of them asks for is being sent away: all of it arrives.
    @Test func nodesThatComeMeanwhileMakeNothingVain() {
        var asker = Asker()
        asker.own = MemberLoad(connections: 10_000, capacity: 100_000, firstSeen: 0)
        asker.others =
            Array(repeating: asker.own, count: 9) + [MemberLoad(connections: 0, capacity: 100_000, firstSeen: 0)]
        var decisions: [RebalanceDecision] = []
        for second in 0..<300 {
            if second == 40 {
                asker.others += Array(repeating: MemberLoad(connections: 0, capacity: 100_000, firstSeen: 0), count: 14)
            }
            let decision = asker.decide()
            decisions.append(decision)
            guard case .shed(let count) = decision else { continue }
            // The nine do as the first does, and the new ones get it.
            asker.own.connections -= count
            for index in 0..<9 { asker.others[index].connections -= count }
            let new = asker.others.count - 9
            for index in 9..<asker.others.count { asker.others[index].connections += 10 * count / new }
        }
        #expect(!decisions.contains(.hold(.resting)) && decisions.last == .hold(.even))
        #expect(asker.own.connections < 4_500)
    }

    /// Of what was to go nobody went, as others had begun to drain.
    @Test func whatWasStoppedWasNotInVain() {
        var asker = Asker()
        _ = asker.decide(seconds: 30)
        for _ in 0..<100 {
            #expect(asker.decide() == .shed(100))
            asker.policy.stopped()
        }
        // Else it is, and rests.
        #expect((0..<100).contains { _ in asker.decide() == .hold(.resting) })
    }

    @Test func aRestIsADayAtMost() {
        var asker = Asker()
        asker.policy = RebalancePolicy(RebalanceConfiguration(period: .seconds(7_200)))
        let step = 7_200 * Self.second
        var (now, longest, since) = (step, Int64(0), Int64?.none)
        for _ in 0..<2_000 {
            now += step
            let cluster = ClusterLoad([asker.own] + asker.others, recent: 0, now: now, settling: asker.policy.settling)
            let isResting = asker.policy.decide(now: now, own: asker.own, cluster: cluster) == .hold(.resting)
            if isResting { since = since ?? now } else { since = nil }
            longest = max(longest, now - (since ?? now))
        }
        #expect(longest > 10 * step && longest <= 86_400 * Self.second)
    }

    @Test(arguments: [Duration.zero, .seconds(30)])
    func whatIsUnderWayForAMomentIsNotForgotten(_ sustained: Duration) {
        var asker = Asker()
        asker.policy = RebalancePolicy(RebalanceConfiguration(sustained: sustained, period: .seconds(1)))
        // All that is sent away comes back five seconds later, and the node is even until then.
        var shed = 0
        for _ in 0..<7_200 {
            guard case .shed(let count) = asker.decide() else { continue }
            shed += count
            asker.own.connections = 1_000
            #expect(asker.decide(seconds: 5) == .hold(.even))
            asker.own.connections = 2_000
        }
        #expect(shed >= 4_000 && shed <= 6_000)
    }

    @Test func aRestEndsWhereTheClusterIsAnother() {
        var asker = Asker()
        var isResting = false
        for _ in 0..<600 where !isResting { isResting = asker.decide() == .hold(.resting) }
        #expect(isResting && asker.decide() == .hold(.resting))
        // A third node: the excess of 500 over 1,500 becomes one of 1,000 over 1,000.
        asker.others.append(MemberLoad(connections: 0, capacity: 10_000, firstSeen: 0))
        #expect(asker.decide() == .shed(100))
    }

    @Test func whatNobodyMeantIsHarmless() {
        var asker = Asker()
        asker.others = [
            MemberLoad(connections: .max, capacity: .max, firstSeen: .min),
            MemberLoad(connections: .min, capacity: .min, firstSeen: .max),
        ]
        _ = asker.decide(seconds: 60)
        asker.policy = RebalancePolicy(
            RebalanceConfiguration(tolerance: -1, excessMin: -1, period: .zero, rate: .infinity))
        asker.own.connections = .max
        _ = asker.decide(seconds: 60)
        asker.policy = RebalancePolicy(RebalanceConfiguration(tolerance: .nan, rate: .nan))
        _ = asker.decide(seconds: 60)
    }
}
