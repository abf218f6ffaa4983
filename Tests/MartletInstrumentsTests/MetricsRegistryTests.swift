// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletInstruments
import Testing

struct MetricsRegistryTests {
    @Test func theExpositionIsWhatPrometheusReads() {
        let registry = MetricsRegistry()
        let slow = registry.counter("martlet_closed_total", "Closed connections.", labels: [("reason", "slow")])
        let stale = registry.counter("martlet_closed_total", "Closed connections.", labels: [("reason", "stale")])
        let open = registry.gauge("martlet_open", "Open connections.")
        registry.reader("martlet_ratio", .gauge, "A ratio.") { 0.25 }
        registry.reader("martlet_big_total", .counter, "A large number.") { 1e14 }
        slow.add()
        stale.add(41)
        stale.add()
        open.set(7)
        open.add(-2)
        #expect(
            registry.exposition() == """
                # HELP martlet_big_total A large number.
                # TYPE martlet_big_total counter
                martlet_big_total 100000000000000
                # HELP martlet_closed_total Closed connections.
                # TYPE martlet_closed_total counter
                martlet_closed_total{reason="slow"} 1
                martlet_closed_total{reason="stale"} 42
                # HELP martlet_open Open connections.
                # TYPE martlet_open gauge
                martlet_open 5
                # HELP martlet_ratio A ratio.
                # TYPE martlet_ratio gauge
                martlet_ratio 0.25

                """)
        #expect(registry.descriptions.map(\.name).first == "martlet_big_total")
        #expect(registry.descriptions.count == 4)
    }

    @Test func histogramsAreCumulative() {
        let registry = MetricsRegistry()
        let plain = registry.histogram("lag_seconds", "Lag.", bounds: [0.1, 1])
        let labelled = registry.histogram("wait_seconds", "Wait.", labels: [("kind", "a")], bounds: [0.5])
        plain.observe(0.1)
        plain.observe(0.5, count: 2)
        plain.observe(3)
        labelled.observe(0.25)
        #expect(
            registry.exposition() == """
                # HELP lag_seconds Lag.
                # TYPE lag_seconds histogram
                lag_seconds_bucket{le="0.1"} 1
                lag_seconds_bucket{le="1"} 3
                lag_seconds_bucket{le="+Inf"} 4
                lag_seconds_sum 4.1
                lag_seconds_count 4
                # HELP wait_seconds Wait.
                # TYPE wait_seconds histogram
                wait_seconds_bucket{kind="a",le="0.5"} 1
                wait_seconds_bucket{kind="a",le="+Inf"} 1
                wait_seconds_sum{kind="a"} 0.25
                wait_seconds_count{kind="a"} 1

                """)
    }

    @Test(arguments: [-1, -Double.infinity, Double.nan, Double.infinity, 1e300])
    func observationsThatAreNoTimesDoNotTrap(_ seconds: Double) {
        let histogram = Histogram()
        histogram.observe(seconds)
        #expect(histogram.counts.reduce(0, +) == 1)
        #expect(histogram.sum >= 0 && histogram.sum.isFinite)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity, 1e300, -1e300, -0.0])
    func readersMaySayAnything(_ value: Double) {
        let registry = MetricsRegistry()
        registry.reader("x", .gauge, "X.") { value }
        #expect(registry.exposition().split(separator: "\n").count == 3)
    }

    @Test func labelsAreEscaped() {
        let registry = MetricsRegistry()
        _ = registry.counter("x_total", "X.", labels: [("path", "a\"b\\c\nd")])
        #expect(registry.exposition().contains("x_total{path=\"a\\\"b\\\\c\\nd\"} 0\n"))
    }

    @Test func aGaugeIsTakenUpToItsCeiling() {
        let gauge = Gauge(1)
        let taken = (0..<4).map { _ in gauge.addOne(upTo: 3) }
        #expect(taken == [true, true, false, false])
        #expect(gauge.current == 3)
    }

    @Test func countersAreAddedToFromManyThreads() async {
        let counter = Counter()
        await withTaskGroup { group in
            for _ in 0..<8 { group.addTask { for _ in 0..<10_000 { counter.add() } } }
        }
        #expect(counter.total == 80_000)
    }
}
