// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletPolicy
import Testing

struct DrainOrderTests {
    private static func visits(_ places: Int) -> [Int] {
        var order = DrainOrder(places: places)
        var visits: [Int] = []
        while let place = order.next() { visits.append(place) }
        return visits
    }

    @Test(arguments: Array(-1...70) + [1_000, 1_023, 1_024, 1_025, 65_537])
    func everyPlaceOnce(_ places: Int) {
        #expect(Self.visits(places).sorted() == Array(0..<max(0, places)))
    }

    /// Places of a kind that lie together are met as often in each part of the drain as they are in the whole.
    @Test(arguments: [1_500, 2_000, 5_000, 100_000], [0.1, 0.5, 0.9])
    func neighboursAreSpreadEvenly(_ places: Int, _ share: Double) {
        for first in [0, places / 20, places - Int(Double(places) * share)] {
            let kind = first..<(first + Int(Double(places) * share))
            var met = 0
            var most = 0.0
            for (index, place) in Self.visits(places).enumerated() {
                if kind.contains(place) { met += 1 }
                let even = Double(index + 1) * Double(kind.count) / Double(places)
                most = max(most, abs(Double(met) - even))
            }
            // By chance it would be some half of the root of the places: 19 of 1,500, 158 of 100,000.
            #expect(most <= 4, "\(places) places, \(kind)")
        }
    }

    /// What this is for: two kinds of clients in blocks, who come back after pauses of their own.
    @Test(arguments: [100, 400])
    func returnsAreEven(_ pace: Int) {
        let places = pace * 20
        var pauses = GoldenSequence(start: 1)
        var random = SeededRandom(seed: 1)
        var returns = [Int](repeating: 0, count: 300)
        for (index, place) in Self.visits(places).enumerated() {
            let isStream = place >= places / 2
            let pause =
                isStream
                ? Double(ReconnectAdvice.milliseconds(.seconds(3), random: pauses.next())) / 1_000
                : .random(in: 0.5..<1, using: &random)
            returns[Int((Double(index) / Double(pace) + pause) * 10)] += 1
        }
        let most = (0...290).map { returns[$0..<($0 + 10)].reduce(0, +) }.max() ?? 0
        #expect(Double(most) <= 1.15 * Double(pace), "\(most) of \(pace)")
    }
}
