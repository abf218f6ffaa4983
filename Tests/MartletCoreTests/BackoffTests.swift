// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Testing

struct BackoffTests {
    @Test func waitsDoubleUpToTheirCeiling() {
        var backoff = Backoff(base: .milliseconds(100), ceiling: .seconds(1))
        let waits = (0..<6).map { _ in backoff.next(random: 0) }
        #expect(waits == [50, 100, 200, 400, 500, 500].map { Duration.milliseconds($0) })
        backoff.reset()
        #expect(backoff.next(random: 0) == .milliseconds(50))
    }

    @Test func theUpperHalfIsDrawnFrom() {
        for random in [0, 0.5, 0.999_999] {
            var backoff = Backoff(base: .seconds(2), ceiling: .seconds(60))
            let wait = backoff.next(random: random)
            #expect(wait >= .seconds(1) && wait <= .seconds(2))
        }
    }

    @Test func itNeverEnds() {
        var backoff = Backoff(base: .seconds(1), ceiling: .seconds(5))
        let waits = (0..<1_000).map { _ in backoff.next() }
        #expect(waits.allSatisfy { $0 <= .seconds(5) })
    }

    @Test func durationsInNanoseconds() {
        #expect(Duration.milliseconds(1_500).nanoseconds == 1_500_000_000)
        #expect(Duration.seconds(-2).nanoseconds == -2_000_000_000)
        #expect(Duration.seconds(Int64.max).nanoseconds == .max)
        #expect(Duration.seconds(Int64.min).nanoseconds == .min)
        #expect((Duration.seconds(9_223_372_036) + .nanoseconds(854_775_807)).nanoseconds == .max)
        #expect((Duration.seconds(9_223_372_036) + .nanoseconds(900_000_000)).nanoseconds == .max)
        #expect(Duration.milliseconds(250).inSeconds == 0.25)
    }

    @Test func theMonotonicClockDoesNotGoBack() {
        let times = (0..<1_000).map { _ in Clock.monotonic }
        #expect(times == times.sorted() && times.allSatisfy { $0 >= 0 })
        #expect(Clock.wall > 1_700_000_000)
    }
}
