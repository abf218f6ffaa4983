// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import martlet_sim

@Suite("Bounds")
struct BoundTests {
    @Test("Each breaks where its load reaches what there is", arguments: [1.0, 7, 400])
    func breaks(size: Double) {
        let workload = Workload(connections: 50_000 * size, nodes: size)
        for bound in BoundCatalogue.all(workload) {
            let breaks = bound.breaks(workload)
            guard breaks.isFinite else { continue }
            #expect(bound.load(workload.scaled(to: breaks * 0.99)) <= bound.capacity, "\(bound.what)")
            #expect(bound.load(workload.scaled(to: breaks * 1.01)) > bound.capacity, "\(bound.what)")
        }
    }

    @Test("What is squared is: twice the nodes, four times the load")
    func squares() throws {
        let bounds = BoundCatalogue.all(Workload(connections: 1e8, nodes: 2_000))
        let announcements = try #require(bounds.first { $0.what.contains("announce") })
        let one = announcements.load(Workload(connections: 1e8, nodes: 1_000))
        let two = announcements.load(Workload(connections: 1e8, nodes: 2_000))
        #expect((3.9...4.1).contains(two / one))
    }

    @Test("The chart's largest cluster is within all of them, and 100 million are not")
    func places() {
        let chart = Workload(connections: 1_000_000, nodes: Double(ChartValues.nodesMax))
        #expect(BoundCatalogue.all(chart).filter { $0.load(chart) > $0.capacity }.map(\.what) == [])
        let large = Workload(connections: 1e8, nodes: 2_000)
        let bounds = BoundCatalogue.all(large)
        #expect(bounds.count { $0.load(large) > $0.capacity } > 5)
        #expect(zip(bounds, bounds.dropFirst()).allSatisfy { $0.breaks(large) <= $1.breaks(large) })
    }

    @Test(
        "Two or three digits count",
        arguments: [(12_345_678.0, "12,300,000"), (0.2645, "0.265"), (7.04, "7.04"), (0, "0")])
    func digits(value: Double, text: String) {
        #expect(value.rough == text)
    }
}
