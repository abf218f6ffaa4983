// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Finds the connections of a user or a session: hash to the head of a chain that runs through arrays by slot.
///
/// Two keys with one hash share a chain, so whoever walks it compares the key itself.
struct SlotIndex {
    private var heads: [UInt64: Int32] = [:]
    private var next: [Int32] = []
    private var previous: [Int32] = []

    var keyCount: Int { self.heads.count }

    static func hash(_ key: String) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(key)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    mutating func insert(_ slot: Int32, hash: UInt64) {
        let missing = Int(slot) + 1 - self.next.count
        if missing > 0 {
            self.next.append(contentsOf: repeatElement(-1, count: missing))
            self.previous.append(contentsOf: repeatElement(-1, count: missing))
        }
        let head = self.heads.updateValue(slot, forKey: hash) ?? -1
        self.next[Int(slot)] = head
        self.previous[Int(slot)] = -1
        if head >= 0 { self.previous[Int(head)] = slot }
    }

    mutating func remove(_ slot: Int32, hash: UInt64) {
        let (before, after) = (self.previous[Int(slot)], self.next[Int(slot)])
        if after >= 0 { self.previous[Int(after)] = before }
        if before >= 0 {
            self.next[Int(before)] = after
        } else if after >= 0 {
            self.heads[hash] = after
        } else {
            self.heads[hash] = nil
        }
    }

    /// The slots filed under the hash, collected so that they may be removed while they are walked.
    func slots(hash: UInt64, max: Int = .max) -> [Int32] {
        var found: [Int32] = []
        var slot = self.heads[hash] ?? -1
        while slot >= 0, found.count < max {
            found.append(slot)
            slot = self.next[Int(slot)]
        }
        return found
    }
}
