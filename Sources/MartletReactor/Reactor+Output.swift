// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc

extension Reactor {
    /// What a connection has queued within a turn leaves at once when it is this much.
    static let sendAtOnceBytes: UInt32 = 65_536
    /// A queue that nobody bounded ends here.
    private static let queuedBytesMax: UInt32 = 1 << 30
    /// System calls for one connection before the others have their turn.
    private static let sendsPerConnection = 4

    // MARK: - What the delegate calls

    /// Copies bytes into the loop's table, to be queued for any number of connections within this turn.
    package func frame(_ bytes: [UInt8]) -> FrameIndex { self.frame(bytes.span) }

    /// The same for a frame that a connection which falls behind can go without.
    package func droppableFrame(_ bytes: [UInt8]) -> FrameIndex {
        assert(self.isConfined, "a reactor belongs to its thread")
        return FrameIndex(rawValue: self.frames.insert(bytes.span, isDroppable: true))
    }

    package func frame(_ bytes: Span<UInt8>) -> FrameIndex {
        assert(self.isConfined, "a reactor belongs to its thread")
        return FrameIndex(rawValue: self.frames.insert(bytes))
    }

    /// Keeps a frame beyond its turn, until `release` is called as often as `hold`: for bytes that are sent again and
    /// again.
    package func hold(_ frame: FrameIndex) { _ = self.frames.retain(frame.rawValue) }

    package func release(_ frame: FrameIndex) { self.frames.releaseHeld(frame.rawValue) }

    /// Queues a frame. It leaves at the end of the turn with all else that is queued, or at once when 64 KiB wait.
    /// A connection that is not open takes nothing.
    package func enqueue(_ frame: FrameIndex, to slot: Int32) {
        assert(self.isConfined, "a reactor belongs to its thread")
        self.append(frame.rawValue, to: slot)
    }

    /// Queues a frame for many connections.
    package func enqueue(_ frame: FrameIndex, to slots: Span<Int32>) {
        assert(self.isConfined, "a reactor belongs to its thread")
        for index in slots.indices { self.append(frame.rawValue, to: slots[index]) }
    }

    package func send(_ bytes: [UInt8], to slot: Int32) {
        guard self.isOpen(slot) else { return }
        self.enqueue(self.frame(bytes.span), to: slot)
    }

    package func send(_ bytes: Span<UInt8>, to slot: Int32) {
        guard self.isOpen(slot) else { return }
        self.enqueue(self.frame(bytes), to: slot)
    }

    /// Bytes of a connection that the kernel refused and that wait.
    package func pendingBytes(_ slot: Int32) -> Int {
        guard self.table.contains(slot), self.table[slot].flags.contains(.blocked) else { return 0 }
        return Int(self.table[slot].queuedBytes)
    }

    /// Drops what is queued, except a frame that is partly sent.
    /// - Returns: How many frames were dropped.
    @discardableResult
    package func discardPending(_ slot: Int32) -> Int {
        guard self.isOpen(slot), self.table[slot].queueTail >= 0 else { return 0 }
        let tail = self.table[slot].queueTail
        let first = self.nodes[tail].next
        guard self.table[slot].sentOfFirst > 0 else { return self.dropQueue(slot) }
        var dropped = 0
        while true {
            let node = self.nodes[first].next
            if node == first { break }
            self.nodes[first].next = self.nodes[node].next
            self.dequeue(node, of: slot)
            dropped += 1
        }
        self.table[slot].queueTail = first
        return dropped
    }

    /// Drops of what is queued the frames that may be, the oldest first, until no more than this many bytes are. The
    /// newest of them stays, and so does what is partly sent.
    ///
    /// If it made room, the connection counts as slow no longer, until it overflows again.
    /// - Returns: How many frames were dropped.
    @discardableResult
    package func discardDroppable(_ slot: Int32, downTo bytes: Int) -> Int {
        guard self.isOpen(slot), self.table[slot].queueTail >= 0, let newest = self.newestDroppable(slot) else {
            return 0
        }
        let tail = self.table[slot].queueTail
        var previous = self.table[slot].sentOfFirst > 0 ? self.nodes[tail].next : tail
        var dropped = 0
        while Int(self.table[slot].queuedBytes) > bytes {
            let node = self.nodes[previous].next
            if node == newest { break }
            if self.frames.isDroppable(self.nodes[node].frame) {
                self.nodes[previous].next = self.nodes[node].next
                self.dequeue(node, of: slot)
                dropped += 1
            } else {
                previous = node
            }
        }
        if dropped > 0 { self.table[slot].flags.remove(.overflowTold) }
        return dropped
    }

    private func newestDroppable(_ slot: Int32) -> Int32? {
        let tail = self.table[slot].queueTail
        var newest: Int32?
        var node = self.nodes[tail].next
        if self.table[slot].sentOfFirst > 0 {
            if node == tail { return nil }
            node = self.nodes[node].next
        }
        while true {
            if self.frames.isDroppable(self.nodes[node].frame) { newest = node }
            if node == tail { return newest }
            node = self.nodes[node].next
        }
    }

    // MARK: - Queues

    @inline(__always)
    private func append(_ frame: Int32, to slot: Int32) {
        guard self.table.contains(slot), self.table[slot].isOpen else { return }
        let count = self.frames.retain(frame)
        let node = count > 0 ? self.nodes.insert(frame) : -1
        let queued = self.table[slot].queuedBytes &+ UInt32(truncatingIfNeeded: count)
        guard node >= 0, queued <= Self.queuedBytesMax else {
            self.refuse(frame, node, count, slot)
            return
        }
        let tail = self.table[slot].queueTail
        if tail < 0 {
            self.nodes[node].next = node
        } else {
            self.nodes[node].next = self.nodes[tail].next
            self.nodes[tail].next = node
        }
        self.table[slot].queueTail = node
        self.table[slot].queuedBytes = queued
        let flags = self.table[slot].flags
        if !flags.contains(.listed) { self.list(slot) }
        if flags.contains(.blocked) {
            self.pendingTotal += Int(count)
        } else if queued >= Self.sendAtOnceBytes, !flags.contains(.connecting) {
            self.flush(slot)
        }
    }

    /// An empty frame needs no sending; one that finds no room must not be lost without a word.
    private func refuse(_ frame: Int32, _ node: Int32, _ count: Int32, _ slot: Int32) {
        if node >= 0 { self.nodes.remove(node) }
        if count >= 0 { self.frames.release(frame) }
        if count != 0 { self.end(slot, cause: .outputTooLarge) }
    }

    /// Has the end of the turn attend to a connection.
    func list(_ slot: Int32) {
        guard !self.table[slot].flags.contains(.listed) else { return }
        self.table[slot].flags.insert(.listed)
        self.table[slot].next = -1
        if self.lastListed >= 0 { self.table[self.lastListed].next = slot } else { self.firstListed = slot }
        self.lastListed = slot
    }

    private func dequeue(_ node: Int32, of slot: Int32) {
        let frame = self.nodes[node].frame
        let count = self.frames.count(of: frame)
        self.table[slot].queuedBytes -= UInt32(count)
        if self.table[slot].flags.contains(.blocked) { self.pendingTotal -= count }
        self.nodes.remove(node)
        self.frames.release(frame)
    }

    /// Drops all that is queued; for a connection that will never be sent to again, or that has sent nothing of it.
    @discardableResult
    func dropQueue(_ slot: Int32) -> Int {
        let tail = self.table[slot].queueTail
        guard tail >= 0 else { return 0 }
        if self.table[slot].flags.contains(.blocked) { self.pendingTotal -= Int(self.table[slot].queuedBytes) }
        self.table[slot].queueTail = -1
        self.table[slot].queuedBytes = 0
        self.table[slot].sentOfFirst = 0
        var dropped = 0
        var node = self.nodes[tail].next
        while true {
            let (frame, following) = (self.nodes[node].frame, self.nodes[node].next)
            self.nodes.remove(node)
            self.frames.release(frame)
            dropped += 1
            if node == tail { return dropped }
            node = following
        }
    }

    // MARK: - Sending

    /// Sends what is queued, as far as the kernel takes it.
    func flush(_ slot: Int32) {
        var sends = 0
        while true {
            let tail = self.table[slot].queueTail
            guard tail >= 0 else { break }
            guard sends < Self.sendsPerConnection else {
                self.list(slot)
                return
            }
            sends += 1
            self.gather.collect(
                tail: tail, sentOfFirst: Int(self.table[slot].sentOfFirst), nodes: self.nodes, frames: self.frames)
            let flags = self.table[slot].flags
            let isLast = flags.contains(.finishing) && !flags.contains(.awaitsPeer)
            let sent = self.gather.send(to: self.table[slot].descriptor, isLast: isLast)
            self.sendsOfTurn += 1
            guard sent >= 0 else {
                switch Int32(-sent) {
                case EAGAIN, ENOBUFS, ENOMEM: self.block(slot)
                default: self.end(slot, cause: .reset)
                }
                return
            }
            self.bytesSentOfTurn += sent
            self.takeSent(sent, of: slot)
            if sent < self.gather.total {
                self.block(slot)
                return
            }
        }
        self.table[slot].flags.subtract([.blocked, .overflowTold])
        self.watch(slot)
    }

    private func block(_ slot: Int32) {
        if !self.table[slot].flags.contains(.blocked) {
            self.table[slot].flags.insert(.blocked)
            self.pendingTotal += Int(self.table[slot].queuedBytes)
            self.list(slot)
        }
        self.watch(slot)
    }

    /// Frees what was sent whole and remembers how far the first of the rest has come.
    private func takeSent(_ sent: Int, of slot: Int32) {
        let tail = self.table[slot].queueTail
        self.table[slot].queuedBytes -= UInt32(sent)
        if self.table[slot].flags.contains(.blocked) { self.pendingTotal -= sent }
        var rest = sent + Int(self.table[slot].sentOfFirst)
        var node = self.nodes[tail].next
        while true {
            let (frame, following) = (self.nodes[node].frame, self.nodes[node].next)
            let count = self.frames.count(of: frame)
            guard rest >= count else {
                self.nodes[tail].next = node
                self.table[slot].sentOfFirst = UInt32(rest)
                return
            }
            rest -= count
            self.nodes.remove(node)
            self.frames.release(frame)
            if node == tail { break }
            node = following
        }
        self.table[slot].queueTail = -1
        self.table[slot].sentOfFirst = 0
    }
}
