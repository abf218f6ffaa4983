// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import martlet_sim

@Suite("Balancers")
struct BalancerTests {
    private static func view(_ open: [Int], now: Double = 1_000) -> BalancerView {
        BalancerView(now: now, open: open, rotatedIn: open.map { _ in 0 })
    }

    /// What each node gets of `count`.
    private static func shares(_ balancer: inout some Balancer, _ count: Int, _ view: BalancerView) -> [Int] {
        var random = SeededGenerator(seed: 1)
        var shares = view.open.map { _ in 0 }
        balancer.distribute(count, over: Array(view.open.indices), view, &random, into: &shares)
        return shares
    }

    @Test("Nobody is lost, whatever the nodes hold", arguments: GrowthScenarios.Balancing.allCases, [0, 1, 7, 1_000])
    func sums(balancing: GrowthScenarios.Balancing, count: Int) {
        var balancer: any Balancer = balancing.balancer
        var random = SeededGenerator(seed: 5)
        for nodes in 1...9 {
            let open = (0..<nodes).map { _ in random.below(500) }
            var shares = open.map { _ in 0 }
            let view = BalancerView(now: 9, open: open, rotatedIn: open.map { _ in 8 })
            balancer.distribute(count, over: Array(open.indices), view, &random, into: &shares)
            #expect(shares.reduce(0, +) == count && shares.allSatisfy { $0 >= 0 }, "\(open): \(shares)")
        }
        var none: [Int] = []
        balancer.distribute(count, over: [], Self.view([]), &random, into: &none)
    }

    @Test("Round robin goes on where it stopped")
    func turns() {
        var balancer = RoundRobin()
        #expect(Self.shares(&balancer, 4, Self.view([9, 0, 0])) == [2, 1, 1])
        #expect(Self.shares(&balancer, 4, Self.view([9, 0, 0])) == [1, 2, 1])
    }

    @Test("Least connections fills from below, and a new node by degrees")
    func fills() {
        var balancer = LeastConnections(instances: 1, slowStart: 0)
        #expect(Self.shares(&balancer, 30, Self.view([10, 0, 50])) == [10, 20, 0])
        var slow = LeastConnections(instances: 1, slowStart: 60)
        var view = Self.view([100, 0, 100])
        view.rotatedIn[1] = 970
        // At half its weight the empty node stands level with the others when it has half of what they have.
        #expect(Self.shares(&slow, 50, view) == [0, 50, 0])
        var random = SeededGenerator(seed: 1)
        var shares = [0, 0, 0]
        slow.distribute(250, over: [0, 1, 2], view, &random, into: &shares)
        #expect(shares == [100, 50, 100])
    }

    @Test("Balancers that know nothing of each other send too many to the same node")
    func herds() {
        let view = Self.view([30, 0, 30])
        var one = LeastConnections(instances: 1, slowStart: 0)
        var five = LeastConnections(instances: 5, slowStart: 0)
        #expect(Self.shares(&one, 60, view) == [10, 40, 10])
        #expect(Self.shares(&five, 60, view) == [0, 60, 0])
    }

    @Test("Of two drawn at random the emptier one is taken")
    func twoChoices() {
        var balancer = RandomTwo()
        let shares = Self.shares(&balancer, 3_000, Self.view([0, 100_000, 200_000]))
        // The emptiest is in two of three pairs, the fullest wins none.
        #expect((1_850...2_150).contains(shares[0]) && shares[2] == 0)
    }
}
