// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// One after the other, whatever they hold.
struct RoundRobin: Balancer {
    var name: String { "round robin" }
    private var turn = 0

    mutating func distribute(
        _ count: Int, over targets: [Int], _ view: BalancerView, _ random: inout SeededGenerator,
        into shares: inout [Int]
    ) {
        guard !targets.isEmpty else { return }
        let (each, rest) = count.quotientAndRemainder(dividingBy: targets.count)
        if each > 0 { for target in targets { shares[target] += each } }
        for offset in 0..<rest { shares[targets[(self.turn + offset) % targets.count]] += 1 }
        self.turn = (self.turn + rest) % targets.count
    }
}
