// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Deadlines of many things that are numbered from zero: a hashed wheel (Varghese and Lauck, 1987) whose lists run
/// through arrays indexed by those numbers, so that setting, moving and clearing one cost no allocation.
///
/// Time is counted in ticks of the caller's choice. A number has at most one deadline.
package struct TimerWheel: Sendable {
    private var heads: [Int32]
    private var next: [Int32] = []
    private var previous: [Int32] = []
    /// The tick each number is due at, plus one; zero where none is set.
    private var due: [UInt32] = []
    private let mask: UInt32
    /// The last tick that was expired.
    package private(set) var now: UInt32 = 0
    package private(set) var count = 0

    /// - Parameter slots: A power of two; deadlines nearer than this many ticks are looked at once only.
    package init(slots: Int) {
        precondition(slots > 0 && slots & (slots - 1) == 0, "a wheel has a power of two of slots")
        self.heads = Array(repeating: -1, count: slots)
        self.mask = UInt32(slots - 1)
    }

    /// Sets or moves the deadline of `id`; one that is not in the future is due at the next tick.
    package mutating func schedule(_ id: Int32, at tick: UInt32) {
        self.cancel(id)
        self.reserve(Int(id) + 1)
        // The last tick is none: a deadline is kept as tick plus one.
        let tick = min(max(tick, self.now + 1), .max - 1)
        let slot = Int(tick & self.mask)
        let head = self.heads[slot]
        self.due[Int(id)] = tick &+ 1
        self.next[Int(id)] = head
        self.previous[Int(id)] = -1
        if head >= 0 { self.previous[Int(head)] = id }
        self.heads[slot] = id
        self.count += 1
    }

    package mutating func cancel(_ id: Int32) {
        guard id >= 0, Int(id) < self.due.count, self.due[Int(id)] != 0 else { return }
        self.unlink(id)
    }

    /// The tick `id` is due at, or nil.
    package func deadline(of id: Int32) -> UInt32? {
        guard id >= 0, Int(id) < self.due.count, self.due[Int(id)] != 0 else { return nil }
        return self.due[Int(id)] &- 1
    }

    /// Moves time to `tick` and appends what became due, whose deadlines are thereby cleared.
    package mutating func advance(to tick: UInt32, into expired: inout [Int32]) {
        // After a long pause every slot is visited once, not once a missed tick.
        let first = tick &- self.now > self.mask ? tick &- self.mask : self.now &+ 1
        guard tick > self.now else { return }
        self.now = tick
        for step in first...tick {
            var id = self.heads[Int(step & self.mask)]
            while id >= 0 {
                let following = self.next[Int(id)]
                if self.due[Int(id)] &- 1 <= tick {
                    self.unlink(id)
                    expired.append(id)
                }
                id = following
            }
        }
    }

    private mutating func unlink(_ id: Int32) {
        let slot = Int((self.due[Int(id)] &- 1) & self.mask)
        let (before, after) = (self.previous[Int(id)], self.next[Int(id)])
        if before >= 0 { self.next[Int(before)] = after } else { self.heads[slot] = after }
        if after >= 0 { self.previous[Int(after)] = before }
        self.due[Int(id)] = 0
        self.count -= 1
    }

    private mutating func reserve(_ count: Int) {
        guard count > self.due.count else { return }
        let grown = max(count, self.due.count + self.due.count / 2, 64)
        let more = grown - self.due.count
        self.next.append(contentsOf: repeatElement(-1, count: more))
        self.previous.append(contentsOf: repeatElement(-1, count: more))
        self.due.append(contentsOf: repeatElement(0, count: more))
    }
}
