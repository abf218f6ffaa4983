// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletPolicy
import Testing

struct DrainPaceTests {
    private static let second: Int64 = 1_000_000_000

    @Test func connectionsEndEvenly() {
        let pace = DrainPace(connections: 10_000, window: .seconds(20))
        var closed = 0
        var perSecond: [Int] = []
        for second in 1...20 as ClosedRange<Int64> {
            var now = 0
            for tick in 0..<10 as Range<Int64> {
                let elapsed = (second - 1) * Self.second + tick * Self.second / 10 + Self.second / 10
                let count = pace.toClose(after: elapsed, closed: closed)
                closed += count
                now += count
            }
            perSecond.append(now)
        }
        #expect(closed == 10_000)
        #expect(perSecond.allSatisfy { $0 >= 499 && $0 <= 501 })
    }

    @Test func whatEndedByItselfCounts() {
        let pace = DrainPace(connections: 100, window: .seconds(10))
        #expect(pace.due(after: 5 * Self.second) == 50)
        #expect(pace.toClose(after: 5 * Self.second, closed: 60) == 0)
        #expect(pace.toClose(after: 5 * Self.second, closed: 20) == 30)
    }

    @Test(arguments: [Duration.zero, .seconds(-1)])
    func withoutAWindowAllEndAtOnce(_ window: Duration) {
        let pace = DrainPace(connections: 7, window: window)
        #expect(pace.due(after: 0) == 7)
        #expect(pace.due(after: -1) == 0)
        #expect(DrainPace(connections: -1, window: .seconds(1)).due(after: .max) == 0)
    }

    @Test func advicesLieAroundTheirBase() {
        #expect(ReconnectAdvice.milliseconds(.seconds(4), random: 0) == 2_000)
        #expect(ReconnectAdvice.milliseconds(.seconds(4), random: 0.5) == 4_000)
        #expect(ReconnectAdvice.milliseconds(.zero) == 1)
        #expect(ReconnectAdvice.milliseconds(.seconds(Int64.max / 4), random: 0) > 0)
        let drawn = (0..<1_000).map { _ in ReconnectAdvice.milliseconds(.seconds(1)) }
        #expect(drawn.allSatisfy { 500...1_500 ~= $0 } && Set(drawn).count > 100)
    }
}
