// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletPolicy
import Testing

struct TokenBucketTests {
    private static let second: Int64 = 1_000_000_000

    @Test func aBurstThenTheRate() {
        var bucket = TokenBucket(rate: 10, burst: 3, now: 0)
        let first = (0..<5).map { _ in bucket.take(now: 0) }
        #expect(first == [true, true, true, false, false])
        #expect(bucket.wait(now: 0) == Self.second / 10)
        let early = bucket.take(now: Self.second / 10 - 1)
        let due = bucket.take(now: Self.second / 10)
        #expect(!early && due)
    }

    @Test func itHoldsNoMoreThanTheBurst() {
        var bucket = TokenBucket(rate: 100, burst: 5, now: 0)
        let taken = (0..<10).filter { _ in bucket.take(now: 1_000 * Self.second) }.count
        #expect(taken == 5)
    }

    @Test func overAMinuteTheRateHolds() {
        var bucket = TokenBucket(rate: 7, burst: 7, now: 0)
        let taken = stride(from: 0, to: 60 * Self.second, by: 1_000_000).filter { bucket.take(now: $0) }.count
        #expect(abs(taken - 427) <= 1)
    }

    @Test func timeThatGoesBackAddsNothing() {
        var bucket = TokenBucket(rate: 1, burst: 1, now: 10 * Self.second)
        let (first, back) = (bucket.take(now: 10 * Self.second), bucket.take(now: 0))
        #expect(first && !back)
        let extreme = bucket.take(now: .min)
        #expect(!extreme)
    }

    @Test(arguments: [0, -1, Double.nan, Double.infinity])
    func aRateThatIsNoneAddsNothing(_ rate: Double) {
        var bucket = TokenBucket(rate: rate, burst: 1, now: 0)
        let (first, later) = (bucket.take(now: 0), bucket.take(now: .max))
        #expect(first && !later)
        #expect(bucket.wait(now: .max) == .max)
    }

    @Test func moreThanTheBurstNeverComes() {
        let bucket = TokenBucket(rate: 1, burst: 2, now: 0)
        #expect(bucket.wait(for: 3, now: 0) == .max)
        #expect(bucket.wait(for: 2, now: 0) == 0)
    }
}
