// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What the subscribers of one channel should have got, and what they got.
struct ChannelBook: Codable, Equatable, Sendable {
    var expected = 0
    /// Every numbered message, each time it came.
    var received = 0
    var lost = 0
    var twice = 0
    var outOfOrder = 0
    /// Messages of another channel.
    var foreign = 0

    var isBalanced: Bool {
        self.lost == 0 && self.twice == 0 && self.outOfOrder == 0 && self.foreign == 0 && self.expected == self.received
    }

    static func + (left: ChannelBook, right: ChannelBook) -> ChannelBook {
        ChannelBook(
            expected: left.expected + right.expected, received: left.received + right.received,
            lost: left.lost + right.lost, twice: left.twice + right.twice,
            outOfOrder: left.outOfOrder + right.outOfOrder, foreign: left.foreign + right.foreign)
    }
}

extension [ChannelBook] {
    /// Adds others' books of the same channels.
    mutating func add(_ others: [ChannelBook]) {
        for (channel, book) in others.enumerated() { self[channel] = self[channel] + book }
    }
}
