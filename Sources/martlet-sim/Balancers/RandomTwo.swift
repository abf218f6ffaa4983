// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Two drawn at random, and of them the one with fewer connections.
struct RandomTwo: Balancer {
    var name: String { "random two" }

    mutating func distribute(
        _ count: Int, over targets: [Int], _ view: BalancerView, _ random: inout SeededGenerator,
        into shares: inout [Int]
    ) {
        guard targets.count > 1 else {
            if let only = targets.first { shares[only] += count }
            return
        }
        for _ in 0..<count {
            let first = random.below(targets.count)
            var second = random.below(targets.count - 1)
            if second >= first { second += 1 }
            let (one, other) = (targets[first], targets[second])
            let isLess = view.open[one] + shares[one] <= view.open[other] + shares[other]
            shares[isLess ? one : other] += 1
        }
    }
}
