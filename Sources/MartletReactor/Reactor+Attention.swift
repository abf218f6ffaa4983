// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import MartletInstruments

/// The end of a turn: what the turn left to be done for single connections.
extension Reactor {
    func attendSlice() {
        var budget = self.configuration.sendsPerSlice
        while budget > 0, self.firstListed >= 0 {
            let slot = self.firstListed
            self.firstListed = self.table[slot].next
            if self.firstListed < 0 { self.lastListed = -1 }
            self.table[slot].flags.remove(.listed)
            self.attend(slot)
            budget -= 1
        }
    }

    private func attend(_ slot: Int32) {
        if self.table[slot].flags.contains(.closing) {
            self.close(slot)
            return
        }
        if self.table[slot].flags.contains(.redeliver) { self.deliverKept(slot) }
        let flags = self.table[slot].flags
        if flags.contains(.connecting) { return }
        if !flags.contains(.blocked) {
            if self.table[slot].queueTail >= 0 { self.flush(slot) }
        } else if self.isOverfull(slot) {
            // What one long turn queued is not yet slowness: only what the kernel refuses again is.
            self.flush(slot)
            if self.isOverfull(slot) { self.tellOverflow(slot) }
        }
        self.watch(slot)
        if self.table[slot].flags.contains(.finishing), self.table[slot].queueTail < 0 { self.endOutput(slot) }
    }

    private func isOverfull(_ slot: Int32) -> Bool {
        let row = self.table[slot]
        return row.isOpen && row.flags.contains(.blocked) && !row.flags.contains(.overflowTold)
            && Int(row.queuedBytes) > self.configuration.pendingBytesMax
    }

    private func tellOverflow(_ slot: Int32) {
        self.table[slot].flags.insert(.overflowTold)
        self.handler?.overflowed(slot)
    }

    /// With too much pending in all loops together, tells the worst of this loop's connections, until what they have is
    /// this loop's share of the excess.
    func tellWorst() {
        let total = self.shared.pendingBytes.current
        let excess = total - self.configuration.pendingBytesTotalMax
        guard excess > 0, self.pendingTotal > 0 else { return }
        let share = Double(excess) * Double(self.pendingTotal) / Double(max(1, total))
        let pending = (0..<self.table.usedCount).filter { self.table[$0].isOpen && self.pendingBytes($0) > 0 }
        var told = 0.0
        for slot in pending.sorted(by: { self.pendingBytes($0) > self.pendingBytes($1) }) {
            guard told < share else { return }
            told += Double(self.pendingBytes(slot))
            if !self.table[slot].flags.contains(.overflowTold) { self.tellOverflow(slot) }
        }
    }

    /// Has epoll wait for what the connection wants now. An event that nobody takes would come again and again.
    func watch(_ slot: Int32) {
        let flags = self.table[slot].flags
        if flags.contains(.closing) { return }
        let input = flags.isDisjoint(with: [.paused, .inputEnded, .connecting])
        let output = !flags.isDisjoint(with: [.blocked, .connecting])
        if input == flags.contains(.watchedForInput), output == flags.contains(.watchedForOutput) { return }
        let events = (input ? Epoll.input : 0) | (output ? Epoll.output : 0)
        guard self.epoll.modify(self.table[slot].descriptor, .connection, slot, events: events) else {
            self.end(slot, cause: .reset)
            return
        }
        self.table[slot].flags.subtract([.watchedForInput, .watchedForOutput])
        if input { self.table[slot].flags.insert(.watchedForInput) }
        if output { self.table[slot].flags.insert(.watchedForOutput) }
    }
}
