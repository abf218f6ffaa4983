// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The advices that nodes gave in a step, dealt out to those who were refused in it.
struct AdviceDeck: Sendable {
    /// How many were told to stay away for so many seconds.
    private let counts: [Int]
    private let total: Int

    init(_ counts: [Int]) {
        self.counts = counts
        self.total = counts.reduce(0, +)
    }

    /// `count` of them, spread like all.
    func draw(_ count: Int) -> [(seconds: Int, count: Int)] {
        guard self.total > 0 else { return [(1, count)] }
        var drawn: [(Int, Int)] = []
        var (sum, given) = (0, 0)
        for (seconds, weight) in self.counts.enumerated() where weight > 0 {
            sum += weight
            let reached = Int((Double(count) * Double(sum) / Double(self.total)).rounded())
            if reached > given { drawn.append((seconds, reached - given)) }
            given = reached
        }
        return drawn
    }
}
