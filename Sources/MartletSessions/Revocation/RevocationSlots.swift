// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// One segment of the revocation table: open addressing whose entries stand in the order of their hashes, so that a
/// look-up ends at the first greater one and a table that is nearly full is still quick to miss in.
///
/// 24 bytes an entry; between 78 and 87 per cent of the slots are taken, so it comes to 28 to 31 bytes.
struct RevocationSlots {
    struct Entry {
        var high: UInt64 = 0
        var low: UInt64 = 0
        /// Whole seconds since 1970.
        var before: UInt32 = 0
        /// Seconds on the table's clock in the upper 29 bits, 17 years of them, then the reason; zero: the slot is free.
        fileprivate var tag: UInt32 = 0

        init() {}

        init(_ key: SipHash.Digest, before: UInt32, expiry: UInt32, reason: RevocationReason) {
            self.high = key.high
            self.low = key.low
            self.before = before
            self.tag = min(expiry, Self.expiryMax) << 3 | UInt32(reason.rawValue)
        }

        static let expiryMax: UInt32 = (1 << 29) - 1

        var expiry: UInt32 {
            get { self.tag >> 3 }
            set { self.tag = min(newValue, Self.expiryMax) << 3 | self.tag & 7 }
        }
        var reason: RevocationReason {
            get { RevocationReason(rawValue: UInt8(self.tag & 7)) ?? .session }
            set { self.tag = self.tag & ~7 | UInt32(newValue.rawValue) }
        }
        var isFree: Bool { self.tag == 0 }
        var key: SipHash.Digest { SipHash.Digest(high: self.high, low: self.low) }

        fileprivate func precedes(_ key: SipHash.Digest) -> Bool {
            self.high < key.high || self.high == key.high && self.low < key.low
        }
        fileprivate func isFor(_ key: SipHash.Digest) -> Bool { self.high == key.high && self.low == key.low }
    }

    private var slots: [Entry] = []
    /// Slots that hashes point to; a few more follow, for entries that were pushed beyond the end.
    private var homes = 0
    private(set) var count = 0
    /// No entry expires before this; a bound, not always the first.
    private(set) var earliest = UInt32.max

    var bytes: Int { self.slots.capacity * MemoryLayout<Entry>.stride }

    func find(_ key: SipHash.Digest) -> Entry? {
        guard self.homes > 0 else { return nil }
        let index = self.position(of: key)
        guard index < self.slots.count, self.slots[index].isFor(key), !self.slots[index].isFree else { return nil }
        return self.slots[index]
    }

    /// Lets an entry widen the one of the same key: the latest `before` and the latest expiry stay.
    /// - Returns: Whether it matches anything that nothing matched before; nil where there is none of the same key.
    mutating func widen(with entry: Entry) -> Bool? {
        guard self.homes > 0 else { return nil }
        let index = self.position(of: entry.key)
        guard index < self.slots.count, self.slots[index].isFor(entry.key), !self.slots[index].isFree else {
            return nil
        }
        let isNews = entry.before > self.slots[index].before
        if isNews {
            self.slots[index].before = entry.before
            self.slots[index].reason = entry.reason
        }
        self.slots[index].expiry = max(self.slots[index].expiry, entry.expiry)
        return isNews
    }

    /// Adds an entry whose key there is none of yet.
    mutating func add(_ entry: Entry) {
        if (self.count + 1) * 8 > self.homes * 7 { self.rebuild(homes: self.homes + self.homes / 8 + 16) }
        while !self.place(entry) { self.rebuild(homes: self.homes + self.homes / 8 + 16) }
        self.count += 1
        self.earliest = min(self.earliest, entry.expiry)
    }

    func forEachKey(_ body: (SipHash.Digest) -> Void) {
        for slot in self.slots where !slot.isFree { body(slot.key) }
    }

    /// Forgets what expired by `now`; returns how many entries did.
    mutating func expire(now: UInt32) -> Int {
        guard self.earliest <= now else { return 0 }
        // Counted first, so that what stays is copied once, into a table of its size, and not at all where all stays.
        let (before, kept) = (self.count, self.slots.count { !$0.isFree && $0.expiry > now })
        if kept == before {
            self.earliest = self.slots.lazy.filter { !$0.isFree }.map(\.expiry).min() ?? .max
        } else {
            self.refill(homes: kept * 2 < self.homes ? Self.homes(for: kept) : self.homes) { $0.expiry > now }
        }
        return before - kept
    }

    /// The latest expiry among the `count` entries that expire first.
    func expiry(ofOldest count: Int) -> UInt32 {
        let expiries = self.slots.lazy.filter { !$0.isFree }.map(\.expiry).sorted()
        return expiries.isEmpty ? 0 : expiries[min(max(count, 1), expiries.count) - 1]
    }

    /// Forgets `quota` entries, none of which expires after `last`.
    mutating func evict(_ quota: Int, upTo last: UInt32) -> Int {
        // Those before `last` are fewer than the quota; the rest is made up of those at `last`.
        var ties = quota - self.slots.count { !$0.isFree && $0.expiry < last }
        return self.keep { entry in
            guard entry.expiry == last else { return entry.expiry > last }
            ties -= 1
            return ties < 0
        }
    }

    /// The first slot, from the key's home on, that is free or not before the key.
    private func position(of key: SipHash.Digest) -> Int {
        let slots = self.slots.span
        var index = self.home(of: key.high)
        while index < slots.count, !slots[index].isFree, slots[index].precedes(key) { index += 1 }
        return index
    }

    private func home(of high: UInt64) -> Int {
        Int(truncatingIfNeeded: UInt64(self.homes).multipliedFullWidth(by: high).high)
    }

    /// Puts an entry in its place and moves up what stands there; false where the end is reached.
    private mutating func place(_ entry: Entry) -> Bool {
        guard self.homes > 0 else { return false }
        let index = self.position(of: entry.key)
        var free = index
        while free < self.slots.count, !self.slots[free].isFree { free += 1 }
        guard free < self.slots.count else { return false }
        while free > index {
            self.slots[free] = self.slots[free - 1]
            free -= 1
        }
        self.slots[index] = entry
        return true
    }

    private mutating func rebuild(homes: Int) {
        self.refill(homes: homes) { _ in true }
    }

    private mutating func keep(_ isKept: (Entry) -> Bool) -> Int {
        let before = self.count
        self.refill(homes: self.homes, isKept)
        // A table that has become much too large is copied once more.
        if self.count * 2 < self.homes { self.rebuild(homes: Self.homes(for: self.count)) }
        return before - self.count
    }

    private static func homes(for count: Int) -> Int { count == 0 ? 0 : count * 5 / 4 + 16 }

    /// Copies the entries, which are in order, into a table of another size.
    private mutating func refill(homes: Int, _ isKept: (Entry) -> Bool) {
        let old = self.slots
        self.homes = homes
        self.count = 0
        self.earliest = .max
        var slots: [Entry] = []
        // Room for the entries pushed beyond the last home, too: an array that must grow doubles.
        if homes > 0 { slots.reserveCapacity(homes + 32 + 64) }
        for entry in old where !entry.isFree && isKept(entry) {
            let home = self.home(of: entry.high)
            while slots.count < home { slots.append(Entry()) }
            slots.append(entry)
            self.count += 1
            self.earliest = min(self.earliest, entry.expiry)
        }
        if homes > 0 {
            let end = max(homes, slots.count) + 32
            while slots.count < end { slots.append(Entry()) }
        }
        self.slots = slots
    }
}
