// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc

extension Reactor {
    /// Gives no more bytes of this connection to the delegate; when the kernel's buffers are full the peer must wait.
    package func pauseReading(_ slot: Int32) {
        guard self.isOpen(slot) else { return }
        self.table[slot].flags.insert(.paused)
        self.list(slot)
    }

    /// Gives bytes again, what was kept first, from the end of this turn on.
    package func resumeReading(_ slot: Int32) {
        guard self.isOpen(slot), self.table[slot].flags.contains(.paused) else { return }
        self.table[slot].flags.remove(.paused)
        if self.table[slot].kept != nil { self.table[slot].flags.insert(.redeliver) }
        self.list(slot)
    }

    func connectionIsReady(_ slot: Int32, events: UInt32) {
        let flags = self.table[slot].flags
        guard flags.contains(.occupied), !flags.contains(.closing) else { return }
        if flags.contains(.connecting) {
            self.connectionIsDone(slot)
            return
        }
        if events & Epoll.output != 0, flags.contains(.blocked) {
            self.flush(slot)
            if self.table[slot].flags.contains(.finishing) { self.list(slot) }
        }
        if flags.contains(.paused) || flags.contains(.inputEnded) {
            // Nobody reads it, so only closing it ends these events.
            if events & Epoll.broken != 0 { self.end(slot, cause: .reset) }
        } else if events & (Epoll.input | Epoll.broken) != 0 {
            self.read(slot)
        }
    }

    private func read(_ slot: Int32) {
        let kept = self.table[slot].kept
        let count = self.input.read(self.table[slot].descriptor, behind: kept)
        guard count > 0 else {
            switch Int32(-count) {
            case 0: self.inputEnded(slot)
            case EAGAIN: break
            default: self.end(slot, cause: .reset)
            }
            return
        }
        self.bytesReceivedOfTurn += count
        if self.table[slot].takesInput { self.deliver((kept?.count ?? 0) + count, to: slot) }
    }

    func deliverKept(_ slot: Int32) {
        self.table[slot].flags.remove(.redeliver)
        guard self.table[slot].takesInput, !self.table[slot].flags.contains(.paused) else { return }
        guard let kept = self.table[slot].kept else { return }
        self.input.load(kept)
        self.deliver(kept.count, to: slot)
    }

    /// Gives the first bytes of the buffer to the delegate and keeps what it does not consume.
    private func deliver(_ count: Int, to slot: Int32) {
        guard let handler = self.handler else { return }
        let taken = self.input.withBytes(count) { handler.received(slot, &$0) }
        guard self.table[slot].takesInput else { return }
        let consumed = min(max(0, taken), count)
        guard consumed < count else {
            self.dropKept(slot)
            return
        }
        guard count - consumed <= self.configuration.inputBytesMax || self.table[slot].flags.contains(.paused) else {
            self.end(slot, cause: .inputTooLarge)
            return
        }
        // The slice is the delegate's bytes as it left them; the next read has not begun.
        let rest = unsafe self.input.slice(consumed, count)
        if let kept = self.table[slot].kept {
            self.table[slot].kept = unsafe kept.replaced(by: rest)
        } else {
            self.table[slot].kept = unsafe KeptInput(copying: rest)
        }
        if self.table[slot].kept == nil { self.end(slot, cause: .inputTooLarge) }
    }

    func dropKept(_ slot: Int32) {
        guard let kept = self.table[slot].kept else { return }
        kept.free()
        self.table[slot].kept = nil
    }

    /// The peer sends no more. What the delegate queued in answer to its last bytes is sent first.
    private func inputEnded(_ slot: Int32) {
        let flags = self.table[slot].flags
        if flags.contains(.lingering) {
            self.end(slot, cause: self.table[slot].cause)
        } else if self.table[slot].queueTail < 0, !flags.contains(.finishing) {
            self.end(slot, cause: .peerClosed)
        } else {
            if !flags.contains(.finishing) { self.beginFinish(slot, cause: .peerClosed) }
            self.table[slot].flags.insert(.inputEnded)
            self.list(slot)
        }
    }
}
