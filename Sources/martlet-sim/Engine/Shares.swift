// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Splits a total that has parts over those who make it up, each in the same proportions, in whole numbers that add up.
struct Shares: Sendable {
    private let parts: [Int]
    /// Of the part at this index and all that follow: how many were seen, and how many of them were this part's.
    private var seen: [Int]
    private var taken: [Int]

    init(parts: [Int]) {
        self.parts = parts
        self.seen = parts.map { _ in 0 }
        self.taken = parts.map { _ in 0 }
    }

    /// The next `count` of the total: how many of them belong to each part.
    mutating func take(_ count: Int) -> [Int] {
        var left = count
        return self.parts.indices.map { index in
            let total = self.parts[index...].reduce(0, +)
            guard total > 0, left > 0 else { return 0 }
            // Rounded on running sums: between nothing and all of `left`, and in the end the part to the last.
            self.seen[index] = min(total, self.seen[index] + left)
            let reached = Int((Double(self.seen[index]) * Double(self.parts[index]) / Double(total)).rounded())
            let part = min(left, reached - self.taken[index])
            self.taken[index] += part
            left -= part
            return part
        }
    }
}
