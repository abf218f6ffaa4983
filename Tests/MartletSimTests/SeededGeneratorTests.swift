// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import martlet_sim

@Suite("Chance")
struct SeededGeneratorTests {
    @Test("The same seed gives the same numbers, and another one others")
    func seeds() {
        func numbers(_ seed: UInt64) -> [UInt64] {
            var random = SeededGenerator(seed: seed)
            return (0..<8).map { _ in random.next() }
        }
        #expect(numbers(7) == numbers(7))
        #expect(numbers(7) != numbers(8))
        #expect(Set(numbers(7)).count == 8)
    }

    @Test("Means are what they should be", arguments: [0.3, 5, 63, 4_000])
    func means(mean: Double) {
        var random = SeededGenerator(seed: 3)
        let draws = 4_000
        let sum = (0..<draws).reduce(0) { sum, _ in sum + random.poisson(mean) }
        #expect(abs(Double(sum) / Double(draws) - mean) < 5 * (mean / Double(draws)).squareRoot())
        let share = (0..<draws).reduce(0) { sum, _ in sum + random.binomialShare(100, 0.3) }
        #expect(abs(Double(share) / Double(draws) - 30) < 1)
        let below = (0..<draws).map { _ in random.below(7) }
        #expect(Set(below) == Set(0..<7))
    }
}
