// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// One deadline per connection, in ticks: a hashed wheel whose lists run through the connection records.
///
/// A deadline that moves to a later tick, as most do, only changes its number: the record stays where it is in the
/// wheel until the hand comes by and puts it where it belongs.
struct DeadlineWheel {
    /// `wheelPrevious` of a record that is in no list; of the first in a list it is the complement of the list's index.
    static let unlinked = Int32.min
    private static let listCount = 1024

    private var heads = [Int32](repeating: -1, count: DeadlineWheel.listCount)
    /// The last tick that was expired.
    private(set) var now: UInt32 = 0

    mutating func set(_ slot: Int32, at tick: UInt32, in table: ConnectionTable) {
        let tick = max(tick, self.now &+ 1)
        let previous = table[slot].due
        table[slot].due = tick
        table[slot].flags.remove(.expired)
        // The place of a cleared deadline is not known to lie before the new one.
        if table[slot].wheelPrevious != Self.unlinked, previous != 0, previous <= tick { return }
        self.unlink(slot, in: table)
        self.link(slot, in: table)
    }

    /// The record stays in its list until the hand comes by.
    func clear(_ slot: Int32, in table: ConnectionTable) {
        table[slot].due = 0
        table[slot].flags.remove(.expired)
    }

    mutating func remove(_ slot: Int32, in table: ConnectionTable) {
        self.clear(slot, in: table)
        self.unlink(slot, in: table)
    }

    /// Moves time to `tick` and appends what became due, marked `expired` and without a deadline.
    mutating func advance(to tick: UInt32, in table: ConnectionTable, into expired: inout [Int32]) {
        guard tick > self.now else { return }
        // After a long pause every list is visited once, not once a missed tick.
        let steps = min(tick - self.now, UInt32(Self.listCount))
        self.now = tick
        for step in 0..<steps {
            var slot = self.heads[Int(tick - step) % Self.listCount]
            while slot >= 0 {
                let following = table[slot].wheelNext
                self.unlink(slot, in: table)
                let due = table[slot].due
                if due > tick {
                    self.link(slot, in: table)
                } else if due != 0 {
                    table[slot].due = 0
                    table[slot].flags.insert(.expired)
                    expired.append(slot)
                }
                slot = following
            }
        }
    }

    private mutating func link(_ slot: Int32, in table: ConnectionTable) {
        let list = Int(table[slot].due) % Self.listCount
        let head = self.heads[list]
        table[slot].wheelNext = head
        table[slot].wheelPrevious = ~Int32(list)
        if head >= 0 { table[head].wheelPrevious = slot }
        self.heads[list] = slot
    }

    private mutating func unlink(_ slot: Int32, in table: ConnectionTable) {
        let (before, after) = (table[slot].wheelPrevious, table[slot].wheelNext)
        guard before != Self.unlinked else { return }
        if before >= 0 { table[before].wheelNext = after } else { self.heads[Int(~before)] = after }
        if after >= 0 { table[after].wheelPrevious = before }
        table[slot].wheelPrevious = Self.unlinked
    }
}
