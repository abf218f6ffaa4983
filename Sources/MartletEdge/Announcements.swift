// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// Joins and leaves on their way out, at a bounded rate and in their order: each goes to everybody in its channel, and
/// when a node drains, or its clients all come back at once, there are as many of them as connections.
struct Announcements {
    /// How many may leave within one tick.
    let perTick: Int
    let max: Int
    private var queue: [Publication] = []
    private var cursor = 0
    private var sent = 0

    init(perTick: Int = 200, max: Int = 50_000) {
        self.perTick = perTick
        self.max = max
    }

    /// Whether the next tick matters.
    var isBusy: Bool { self.sent > 0 || self.count > 0 }
    var count: Int { self.queue.count - self.cursor }

    /// Whether one more may leave now; it then counts as sent.
    mutating func mayLeave() -> Bool {
        guard self.count == 0, self.sent < self.perTick else { return false }
        self.sent += 1
        return true
    }

    /// False where too many wait, and it was not taken.
    mutating func append(_ publication: Publication) -> Bool {
        guard self.count < self.max else { return false }
        self.queue.append(publication)
        return true
    }

    /// Begins another tick: what may leave with it.
    mutating func tick() -> ArraySlice<Publication> {
        self.sent = min(self.perTick, self.count)
        let due = self.queue[self.cursor..<(self.cursor + self.sent)]
        self.cursor += self.sent
        if self.count == 0 {
            self.queue = []
            self.cursor = 0
        } else if self.cursor > self.queue.count / 2 {
            self.queue.removeFirst(self.cursor)
            self.cursor = 0
        }
        return due
    }
}
