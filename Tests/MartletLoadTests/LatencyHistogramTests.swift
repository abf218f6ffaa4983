// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import martlet_load

@Suite("Latency histogram")
struct LatencyHistogramTests {
    @Test("Nothing measured has no quantile")
    func empty() {
        #expect(LatencyHistogram().quantile(0.5) == nil)
    }

    @Test("A quantile is at most a thirty-second part too high, and never too low")
    func precision() throws {
        for value in [0, 1, 63, 64, 65, 127, 128, 1_000, 1_023, 1_024, 999_999, 3_600_000_000] {
            var histogram = LatencyHistogram()
            histogram.add(value)
            histogram.add(3_600_000_000)
            let found = try #require(histogram.quantile(0.5))
            #expect(found >= value, "\(value)")
            #expect(found <= value + value / 32 + 1, "\(value)")
        }
    }

    @Test("Quantiles of a thousand")
    func quantiles() throws {
        var histogram = LatencyHistogram()
        for value in 1...1_000 { histogram.add(value) }
        #expect((500...516).contains(try #require(histogram.quantile(0.5))))
        #expect((990...1_000).contains(try #require(histogram.quantile(0.99))))
        #expect(histogram.quantile(1) == 1_000)
        #expect(histogram.count == 1_000)
    }

    @Test("Merged histograms are one")
    func merge() {
        var (left, right, all) = (LatencyHistogram(), LatencyHistogram(), LatencyHistogram())
        for value in [3, 70, 5_000] {
            left.add(value)
            all.add(value)
        }
        for value in [-4, 1_000_000] {
            right.add(value)
            all.add(value)
        }
        left.merge(right)
        #expect(left == all)
    }
}
