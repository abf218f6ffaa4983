// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import MartletCore
import MartletInstruments

extension Reactor {
    /// Ends a connection in order: what is queued is sent, then our side ends, then what the peer still sends is read
    /// and thrown away until it ends too, within `flushTimeout` and `lingerTimeout`. Closing at once with unread bytes
    /// would be a reset, which can overtake what was sent.
    ///
    /// - Parameter afterPeer: Nothing more is sent, but the delegate is still given what comes, and our side ends when it
    ///   says so by a second call, or with `lingerTimeout`. That is how a WebSocket closes: some clients take an end that
    ///   comes right behind the close frame for a broken connection.
    package func finish(_ slot: Int32, afterPeer: Bool = false) {
        assert(self.isConfined, "a reactor belongs to its thread")
        guard self.isOpen(slot) else { return self.endAfterPeer(slot) }
        guard !self.table[slot].flags.contains(.connecting) else {
            self.end(slot, cause: .finished)
            return
        }
        if afterPeer { self.table[slot].flags.insert(.awaitsPeer) }
        self.beginFinish(slot, cause: .finished)
    }

    /// What was awaited of the peer has come.
    private func endAfterPeer(_ slot: Int32) {
        guard self.table.contains(slot), self.table[slot].flags.contains([.finishing, .awaitsPeer]) else { return }
        self.table[slot].flags.remove(.awaitsPeer)
        self.dropKept(slot)
        if self.table[slot].flags.contains(.lingering) { self.endOurSide(slot) }
    }

    /// Ends a connection now. What is queued is dropped, and `closed` follows at the end of the turn.
    package func abort(_ slot: Int32) {
        assert(self.isConfined, "a reactor belongs to its thread")
        guard self.table.contains(slot) else { return }
        self.end(slot, cause: .aborted)
    }

    func beginFinish(_ slot: Int32, cause: ReactorCloseCause) {
        self.table[slot].flags.insert(.finishing)
        self.table[slot].flags.subtract([.paused, .redeliver])
        self.table[slot].cause = cause
        if !self.table[slot].takesInput {
            self.dropKept(slot)
        } else if self.table[slot].kept != nil {
            self.table[slot].flags.insert(.redeliver)
        }
        self.setOwnDeadline(slot, at: self.now + self.configuration.flushTimeout.nanoseconds)
        self.list(slot)
    }

    /// All that was queued is sent.
    func endOutput(_ slot: Int32) {
        let flags = self.table[slot].flags
        if flags.contains(.lingering) || flags.contains(.closing) { return }
        if flags.contains(.inputEnded) { return self.end(slot, cause: self.table[slot].cause) }
        self.table[slot].flags.insert(.lingering)
        self.setOwnDeadline(slot, at: self.now + self.configuration.lingerTimeout.nanoseconds)
        if !flags.contains(.awaitsPeer) { self.endOurSide(slot) }
    }

    private func endOurSide(_ slot: Int32) {
        if shutdown(self.table[slot].descriptor, Int32(SHUT_WR)) != 0 {
            self.end(slot, cause: self.table[slot].cause)
        }
    }

    /// Marks a connection to be closed when it is attended to, and frees what it holds. The first cause counts.
    func end(_ slot: Int32, cause: ReactorCloseCause) {
        let flags = self.table[slot].flags
        guard flags.contains(.occupied), !flags.contains(.closing) else { return }
        if !flags.contains(.finishing) || cause == .aborted { self.table[slot].cause = cause }
        self.dropQueue(slot)
        self.dropKept(slot)
        self.table[slot].flags.insert(.closing)
        self.list(slot)
    }

    /// The end of a connection: its descriptor, its record, and the delegate's last call for it.
    func close(_ slot: Int32) {
        let row = self.table[slot]
        Glibc.close(row.descriptor)
        self.deadlines.remove(slot, in: self.table)
        if !row.flags.contains(.uncounted) { self.shared.openConnections.add(-1) }
        self.handler?.closed(slot, cause: row.cause)
        self.table.remove(slot)
    }

    /// The end of the loop.
    func closeAll() {
        self.closeListeners()
        for slot in 0..<self.table.usedCount where self.table[slot].flags.contains(.occupied) {
            if self.table[slot].queueTail >= 0, !self.table[slot].flags.contains(.connecting) { self.flush(slot) }
            self.end(slot, cause: .stopped)
            self.close(slot)
        }
        self.firstListed = -1
        self.lastListed = -1
        self.frames.endTurn()
        self.reserve.close()
    }
}
