// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Random numbers that are the same on every machine for the same seed (xoshiro256**, seeded by SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    init(seed: UInt64) {
        var word = seed
        func next() -> UInt64 {
            word &+= 0x9E37_79B9_7F4A_7C15
            var mixed = word
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
        self.state = (next(), next(), next(), next())
    }

    mutating func next() -> UInt64 {
        let result = Self.rotate(self.state.1 &* 5, 7) &* 9
        let shifted = self.state.1 << 17
        self.state.2 ^= self.state.0
        self.state.3 ^= self.state.1
        self.state.1 ^= self.state.2
        self.state.0 ^= self.state.3
        self.state.2 ^= shifted
        self.state.3 = Self.rotate(self.state.3, 45)
        return result
    }

    /// From 0..<1.
    mutating func uniform() -> Double { Double(self.next() >> 11) * 0x1p-53 }

    /// From 0..<`bound`, which is positive. Off by less than `bound` in 2⁶⁴.
    mutating func below(_ bound: Int) -> Int {
        Int(truncatingIfNeeded: self.next().multipliedFullWidth(by: UInt64(max(1, bound))).high)
    }

    /// How many of many independent, rare things happen where `mean` are expected.
    mutating func poisson(_ mean: Double) -> Int {
        guard mean > 0 else { return 0 }
        if mean > 64 { return max(0, Int((mean + mean.squareRoot() * self.normal()).rounded())) }
        var count = 0
        var product = self.uniform()
        let limit = exp(-mean)
        while product > limit {
            count += 1
            product *= self.uniform()
        }
        return count
    }

    /// How many of `count` things happen that each have this probability, which is small.
    mutating func binomial(_ count: Int, _ probability: Double) -> Int {
        min(count, self.poisson(Double(count) * probability))
    }

    /// How many of `count` belong to a part of this size, as chance has it.
    mutating func binomialShare(_ count: Int, _ part: Double) -> Int {
        if count > 64 {
            let deviation = (Double(count) * part * (1 - part)).squareRoot()
            return min(count, max(0, Int((Double(count) * part + deviation * self.normal()).rounded())))
        }
        return (0..<count).reduce(0) { sum, _ in self.uniform() < part ? sum + 1 : sum }
    }

    private mutating func normal() -> Double {
        let radius = (-2 * log(max(self.uniform(), 0x1p-60))).squareRoot()
        return radius * cos(2 * Double.pi * self.uniform())
    }

    private static func rotate(_ word: UInt64, _ count: UInt64) -> UInt64 { (word << count) | (word >> (64 - count)) }
}
