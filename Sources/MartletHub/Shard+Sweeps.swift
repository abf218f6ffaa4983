// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletInstruments

/// Events that concern many connections, or for which all must be looked at: some work a turn, until they are through.
///
/// Who is registered meanwhile, or shows another token, asks the revocations afterwards as always: nobody gets past a
/// sweep.
extension Shard {
    /// What one turn does for them, in tokens' marks looked at: some milliseconds.
    static let sweepPerTurn = 524_288
    /// What is done for one kind of them before the other has its turn.
    private static let sweepSlice = 65_536
    /// What it costs to look at a connection, and to end one.
    private static let costOfLooking = 32
    static let costOfEnding = 1_024
    /// Events that wait; beyond that the shard does nothing else until they are fewer. Sources that can wait do so long
    /// before (`Hub.isBehind`).
    static let sweepsMax = 65_536

    func sweep(for event: SweepEvent) {
        self.sweeps.add(event)
        self.metrics.sweepsWaiting.add(1)
        while self.sweeps.count > Self.sweepsMax, self.continueSweeps() {}
    }

    /// Goes on with what the events before have left to do, as far as the turn has room; false where nothing is left.
    /// The next turn begins.
    @discardableResult
    func continueSweeps() -> Bool {
        while !self.sweeps.isEmpty, self.sweepWork < Self.sweepPerTurn {
            self.sweepWork += self.sweepNamed(upTo: Self.sweepSlice)
            self.sweepWork += self.sweepAll(upTo: Self.sweepSlice)
        }
        self.sweepWork = 0
        return !self.sweeps.isEmpty
    }

    /// Works on the first of the events whose connections the index knows; returns what that cost.
    private func sweepNamed(upTo workMax: Int) -> Int {
        if self.sweeps.named == nil, let event = self.sweeps.waiting.popFirst() {
            self.sweeps.named = SweepQueue.Named(event: event, slots: self.slots(event.invalidation.target) ?? [])
        }
        guard let named = self.sweeps.named else { return 0 }
        var (cursor, work) = (named.cursor, Self.costOfLooking)
        while cursor < named.slots.count, work < workMax {
            let isEnded = self.end(named.slots[cursor], by: named.event)
            work += Self.costOfLooking + (isEnded ? Self.costOfEnding : 0)
            cursor += 1
        }
        guard cursor == named.slots.count else {
            self.sweeps.named?.cursor = cursor
            return work
        }
        self.sweeps.named = nil
        named.event.tally?.shardFinished()
        self.metrics.sweepsWaiting.add(-1)
        return work
    }

    /// Looks at some more of all connections for the batch whose turn it is; returns what that cost.
    private func sweepAll(upTo workMax: Int) -> Int {
        self.sweeps.beginPass()
        guard let pass = self.sweeps.pass else { return 0 }
        let batch = pass.batch
        // Who came behind the end meanwhile is looked at as well, which is more than would be needed.
        let end = batch.namesClaims ? self.outlets.count : self.tokens.count
        var (cursor, work) = (pass.cursor, Self.costOfLooking)
        while cursor < end, work < workMax {
            if !batch.namesClaims {
                let limit = min(end, cursor + workMax - work)
                let next = self.tokens.first(in: cursor..<limit, of: batch.marks) ?? limit
                work += next - cursor
                cursor = next
                guard cursor < limit else { continue }
            }
            work += self.endConnection(Int32(cursor), by: batch) ? Self.costOfEnding : Self.costOfLooking
            cursor += 1
        }
        guard cursor >= end else {
            self.sweeps.pass?.cursor = cursor
            return work
        }
        self.sweeps.pass = nil
        batch.finish()
        self.metrics.sweepsWaiting.add(-batch.count)
        return work
    }

    private func endConnection(_ slot: Int32, by batch: SweepBatch) -> Bool {
        guard let identity = self.identity(of: slot),
            let event = batch.event(endingOneOf: identity, mark: self.tokens[Int(slot)])
        else { return false }
        return self.end(slot, by: event)
    }
}
