// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// The connections of a loop: rows of one mapped array, and the list of those that are free.
final class ConnectionTable {
    private let rows: MappedArray<ConnectionRecord>
    private let shard: UInt8
    private var firstFree: Int32 = -1
    /// Rows that were ever used; those above cost no memory yet.
    private(set) var usedCount: Int32 = 0
    private(set) var count = 0

    init(capacity: Int, shard: UInt8) throws(ReactorError) {
        self.rows = try MappedArray(capacity: min(max(1, capacity), Int(Int32.max)))
        self.shard = shard
    }

    func unmap() { self.rows.unmap() }

    var capacity: Int { self.rows.capacity }

    subscript(slot: Int32) -> ConnectionRecord {
        @inline(__always) get { self.rows[Int(slot)] }
        @inline(__always) _modify { yield &self.rows[Int(slot)] }
    }

    /// Whether there is a row of this number that was ever used, so that it may be read.
    @inline(__always)
    func contains(_ slot: Int32) -> Bool { slot >= 0 && slot < self.usedCount }

    func id(of slot: Int32) -> ConnectionID {
        ConnectionID(shard: self.shard, generation: self[slot].generation, slot: slot)
    }

    func slot(of id: ConnectionID) -> Int32? {
        guard id.shard == self.shard, self.contains(id.slot) else { return nil }
        let row = self[id.slot]
        return row.isOpen && row.generation == id.generation ? id.slot : nil
    }

    /// A row for a new connection, or nil when all are in use.
    func insert(descriptor: Int32, listener: UInt8, flags: ConnectionFlags) -> Int32? {
        let slot: Int32
        if self.firstFree >= 0 {
            slot = self.firstFree
            self.firstFree = self[slot].next
        } else {
            guard Int(self.usedCount) < self.rows.capacity else { return nil }
            slot = self.usedCount
            self.usedCount += 1
        }
        self.count += 1
        self[slot] = ConnectionRecord(
            descriptor: descriptor, generation: self[slot].generation, flags: flags.union(.occupied),
            listener: listener, cause: .aborted, queueTail: -1, sentOfFirst: 0, queuedBytes: 0,
            wheelNext: -1, wheelPrevious: DeadlineWheel.unlinked, due: 0, next: -1, kept: nil)
        return slot
    }

    /// Frees a row, whose next connection will bear another generation.
    func remove(_ slot: Int32) {
        self[slot].flags = []
        self[slot].generation = (self[slot].generation &+ 1) & 0x00FF_FFFF
        self[slot].next = self.firstFree
        self.firstFree = slot
        self.count -= 1
    }
}
