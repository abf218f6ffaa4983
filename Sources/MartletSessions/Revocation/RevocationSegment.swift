// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A part of the revocation table with a lock of its own.
final class RevocationSegment: Sendable {
    private let index: Int
    private let filter: RevocationFilter
    private let slots = Mutex(RevocationSlots())

    /// - Parameter index: Where its part of the filter is, which it keeps.
    init(_ index: Int, filter: RevocationFilter) {
        self.index = index
        self.filter = filter
    }

    /// What its entries take with their free neighbours.
    var bytes: Int { self.slots.withLock { $0.bytes } }

    func find(_ key: SipHash.Digest) -> RevocationSlots.Entry? { self.slots.withLock { $0.find(key) } }

    /// - Parameters:
    ///   - isFull: Whether an entry more must have the place of another, by how many there are here.
    ///   - willEvict: Told the latest expiry of those that must go though they have not expired, before they go.
    /// - Returns: Whether the entry matches anything that nothing matched before, and how many came, expired and were
    ///   evicted.
    func insert(
        _ entry: RevocationSlots.Entry, now: UInt32, isFull: (Int) -> Bool, willEvict: (UInt32) -> Void
    ) -> (isNews: Bool, added: Int, expired: Int, evicted: Int) {
        self.slots.withLock { slots in
            if let isNews = slots.widen(with: entry) { return (isNews, 0, 0, 0) }
            var (expired, evicted) = (0, 0)
            if isFull(slots.count) {
                expired = slots.expire(now: now)
                if expired == 0 { evicted = Self.evict(from: &slots, willEvict) }
                if expired + evicted > 0 { self.filter.replace(with: slots, segment: self.index) }
            }
            slots.add(entry)
            self.filter.add(entry.key, segment: self.index)
            return (true, 1, expired, evicted)
        }
    }

    /// Forgets what expired by `now`; returns how many there were, and how many of them went.
    func expire(now: UInt32) -> (count: Int, expired: Int) {
        self.slots.withLock { slots in
            let count = slots.count
            let expired = slots.expire(now: now)
            if expired > 0 { self.filter.replace(with: slots, segment: self.index) }
            return (count, expired)
        }
    }

    /// Lets the oldest thirty-second go.
    private static func evict(from slots: inout RevocationSlots, _ willEvict: (UInt32) -> Void) -> Int {
        guard slots.count > 0 else { return 0 }
        let quota = max(1, slots.count / 32)
        let last = slots.expiry(ofOldest: quota)
        willEvict(last)
        return slots.evict(quota, upTo: last)
    }
}
