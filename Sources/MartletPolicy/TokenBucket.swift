// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Holds a rate with bursts: `burst` tokens at most, `rate` new ones a second.
///
/// Time is given in monotonic nanoseconds; a time before the last one adds nothing.
package struct TokenBucket: Sendable {
    package private(set) var rate: Double
    package private(set) var burst: Double
    private var tokens: Double
    private var updated: Int64

    /// - Parameters:
    ///   - rate: Tokens a second; what is not a positive number is no rate, and nothing is added.
    ///   - burst: At least one, or nothing could ever be taken.
    package init(rate: Double, burst: Double, now: Int64) {
        self.rate = Self.rate(rate)
        self.burst = Self.burst(burst)
        self.tokens = self.burst
        self.updated = now
    }

    /// Goes on with another rate. What was saved up stays, as far as the burst allows.
    package mutating func change(rate: Double, burst: Double, now: Int64) {
        self.refill(now)
        self.rate = Self.rate(rate)
        self.burst = Self.burst(burst)
        self.tokens = min(self.tokens, self.burst)
    }

    private static func rate(_ value: Double) -> Double { value.isFinite ? max(0, value) : 0 }
    private static func burst(_ value: Double) -> Double { value.isFinite ? max(1, value) : 1 }

    /// Takes `count` tokens if there are so many.
    package mutating func take(_ count: Double = 1, now: Int64) -> Bool {
        self.refill(now)
        guard self.tokens >= count else { return false }
        self.tokens -= count
        return true
    }

    /// How long until `count` tokens will be there, in nanoseconds; `Int64.max` where they never will be.
    package func wait(for count: Double = 1, now: Int64) -> Int64 {
        var bucket = self
        bucket.refill(now)
        guard bucket.tokens < count else { return 0 }
        guard self.rate > 0, count <= self.burst else { return .max }
        let nanoseconds = ((count - bucket.tokens) / self.rate * 1e9).rounded(.up)
        return nanoseconds < 9e18 ? Int64(nanoseconds) : .max
    }

    private mutating func refill(_ now: Int64) {
        let elapsed = now.subtractingReportingOverflow(self.updated)
        guard !elapsed.overflow, elapsed.partialValue > 0 else { return }
        self.updated = now
        self.tokens = min(self.burst, self.tokens + Double(elapsed.partialValue) / 1e9 * self.rate)
    }
}
