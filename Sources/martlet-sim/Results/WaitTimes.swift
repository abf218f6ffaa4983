// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// How long clients were without a connection who had to wait for one, in whole seconds.
struct WaitTimes: Sendable {
    /// Beyond it they count as this.
    private static let secondsMax = 7_200
    private var counts: [Int] = []
    private(set) var count = 0

    mutating func record(seconds: Int, count: Int) {
        guard count > 0 else { return }
        let index = min(max(0, seconds), Self.secondsMax)
        while self.counts.count <= index { self.counts.append(0) }
        self.counts[index] += count
        self.count += count
    }

    /// The longest, in seconds.
    var longest: Int { max(0, self.counts.count - 1) }

    /// Seconds within which this part of them was in.
    func quantile(_ part: Double) -> Int {
        var left = Int((Double(self.count) * part).rounded(.up))
        for (seconds, count) in self.counts.enumerated() {
            left -= count
            if left <= 0 { return seconds }
        }
        return self.longest
    }
}
