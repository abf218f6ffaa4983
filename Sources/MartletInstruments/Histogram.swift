// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Counts of observations by upper bound, in seconds, written from any thread without a lock.
package final class Histogram: Sendable {
    /// 100 microseconds to 100 seconds, four bounds a decade.
    package static let seconds: [Double] = [
        0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50,
        100,
    ]

    package let bounds: [Double]
    /// One for each bound and one for what lies above all.
    private let buckets: [Counter]
    private let sumMicroseconds = Atomic<Int>(0)

    package init(bounds: [Double] = Histogram.seconds) {
        self.bounds = bounds
        self.buckets = (0...bounds.count).map { _ in Counter() }
    }

    /// A negative observation (clocks that disagree) counts as zero.
    package func observe(_ seconds: Double, count: Int = 1) {
        let value = seconds.isFinite ? min(max(0, seconds), 1e9) : 0
        var index = 0
        while index < self.bounds.count, value > self.bounds[index] { index += 1 }
        self.buckets[index].add(count)
        self.sumMicroseconds.wrappingAdd(Int(value * 1e6) &* count, ordering: .relaxed)
    }

    /// An upper bound of what a share of the observations did not exceed; nil before the first.
    package func quantile(_ share: Double) -> Double? {
        let counts = self.counts
        let wanted = Double(counts.reduce(0, +)) * share
        guard wanted > 0 else { return nil }
        var seen = 0.0
        for (index, count) in counts.enumerated() {
            seen += Double(count)
            if seen >= wanted { return index < self.bounds.count ? self.bounds[index] : self.bounds.last }
        }
        return self.bounds.last
    }

    package var counts: [Int] { self.buckets.map(\.total) }
    package var sum: Double { Double(self.sumMicroseconds.load(ordering: .relaxed)) / 1e6 }
}
