// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Counts of durations in microseconds: exact below 64, then in steps of at most a thirty-second part.
struct LatencyHistogram: Codable, Equatable, Sendable {
    private static let exact = 64
    private static let stepBits = 5
    /// An hour; whatever is longer counts as that.
    private static let highest = 3_600_000_000

    private var counts: [Int] = []
    private(set) var count = 0
    private(set) var largest = 0

    /// - Parameter microseconds: Below zero, as where two clocks disagree, counts as zero.
    mutating func add(_ microseconds: Int) {
        let value = min(max(0, microseconds), Self.highest)
        let bucket = Self.bucket(of: value)
        if bucket >= self.counts.count {
            self.counts.append(contentsOf: repeatElement(0, count: bucket + 1 - self.counts.count))
        }
        self.counts[bucket] += 1
        self.count += 1
        self.largest = max(self.largest, value)
    }

    mutating func merge(_ other: LatencyHistogram) {
        let missing = other.counts.count - self.counts.count
        if missing > 0 { self.counts.append(contentsOf: repeatElement(0, count: missing)) }
        for (bucket, count) in other.counts.enumerated() { self.counts[bucket] += count }
        self.count += other.count
        self.largest = max(self.largest, other.largest)
    }

    /// What `share` of all durations did not exceed; nil before the first.
    func quantile(_ share: Double) -> Int? {
        guard self.count > 0 else { return nil }
        let wanted = max(1, Int((Double(self.count) * min(max(0, share), 1)).rounded(.up)))
        var seen = 0
        for (bucket, count) in self.counts.enumerated() {
            seen += count
            if seen >= wanted { return min(Self.upperBound(of: bucket), self.largest) }
        }
        return self.largest
    }

    private static func bucket(of value: Int) -> Int {
        guard value >= self.exact else { return value }
        let shift = Int.bitWidth - value.leadingZeroBitCount - 1 - self.stepBits
        // Values of one shift have their step in the five bits below the highest.
        return self.exact + (shift - 1) << self.stepBits + (value >> shift) & 31
    }

    private static func upperBound(of bucket: Int) -> Int {
        guard bucket >= self.exact else { return bucket }
        let above = bucket - self.exact
        let shift = above >> self.stepBits + 1
        return (32 + above & 31 + 1) << shift - 1
    }
}
