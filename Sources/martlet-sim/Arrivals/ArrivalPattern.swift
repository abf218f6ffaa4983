// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// How many clients there are to be.
protocol ArrivalPattern: Sendable {
    /// How many would be connected at this second, if all got in.
    func population(at second: Double) -> Double
}

extension ArrivalPattern {
    /// New clients a second: growth, those who replace what leaves, and what is missing.
    ///
    /// - Parameters:
    ///   - open: Who is connected.
    ///   - all: Who is or waits to be.
    func rate(at second: Double, open: Int, all: Int, lifetime: Double) -> Double {
        let growth = self.population(at: second + 0.5) - self.population(at: second - 0.5)
        let missing = self.population(at: second) - Double(all)
        return max(0, growth + (Double(open) + missing) / lifetime)
    }
}
