// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletInstruments
import MartletPolicy
import MartletReactor

/// Connections that are sent away little by little: all, when the node drains, or some, when others have room.
extension EdgeShard {
    /// What of that is under way.
    struct Departures {
        var drain: Drain?
        var shedding: Shedding?
        /// Where the next shedding begins to look, so that it is not always the same who go.
        var cursor = 0
    }

    struct Drain {
        var pace: DrainPace
        var startedAt: Int64
        var closed = 0
        private var order: DrainOrder
        /// Somebody came whose place may have been looked at.
        private var goesRoundAgain = false

        init(pace: DrainPace, startedAt: Int64, places: Int) {
            self.pace = pace
            self.startedAt = startedAt
            self.order = DrainOrder(places: places)
        }

        /// The next slot to be looked at; nil where there is none.
        mutating func next(of count: Int) -> Int32? {
            if let place = self.order.next() { return Int32(place) }
            guard self.goesRoundAgain else { return nil }
            self.goesRoundAgain = false
            self.order = DrainOrder(places: count)
            return self.order.next().map { Int32($0) }
        }

        /// Who came in meanwhile goes as well, after the others.
        mutating func arrived() { self.goesRoundAgain = true }
    }

    struct Shedding {
        var pace: DrainPace
        var startedAt: Int64
        var closed = 0
        /// Only who said nothing for so many ticks goes.
        var idleTicks: UInt32
        /// Connections that may still be looked at.
        var left: Int
    }

    package func drain(window: Duration) {
        for slot in self.connections.indices where self.connections[slot].isIdleRequest {
            self.finish(Int32(slot), reason: .answered)
        }
        let total = self.connections.count { $0.flags.contains(.admitted) }
        self.departures.shedding = nil
        self.departures.drain = Drain(
            pace: DrainPace(connections: total, window: window), startedAt: self.reactor.now,
            places: self.connections.count)
    }

    package func drainTakenBack() { self.departures.drain = nil }

    package func shed(_ count: Int, over window: Duration) {
        guard self.departures.drain == nil else { return }
        self.departures.shedding =
            count > 0
            ? Shedding(
                pace: DrainPace(connections: count, window: window), startedAt: self.reactor.now,
                idleTicks: self.idleTicks(ofMost: count), left: self.connections.count) : nil
    }

    func continueDepartures() {
        self.continueDrain()
        self.continueShedding()
    }

    private func continueDrain() {
        guard var drain = self.departures.drain else { return }
        let due = drain.pace.due(after: self.reactor.now - drain.startedAt)
        while drain.closed < due, let slot = drain.next(of: self.connections.count) {
            guard self.connections[Int(slot)].flags.contains(.admitted) else { continue }
            self.end(slot, reason: .shutdown)
            drain.closed += 1
        }
        self.departures.drain = drain
    }

    private func continueShedding() {
        guard var shedding = self.departures.shedding else { return }
        var due = shedding.pace.toClose(after: self.reactor.now - shedding.startedAt, closed: shedding.closed)
        while due > 0, shedding.left > 0 {
            if self.departures.cursor >= self.connections.count { self.departures.cursor = 0 }
            let slot = self.departures.cursor
            self.departures.cursor += 1
            shedding.left -= 1
            guard self.maySend(away: self.connections[slot]), self.silence(self.connections[slot]) >= shedding.idleTicks
            else { continue }
            self.end(Int32(slot), reason: .rebalance)
            shedding.closed += 1
            due -= 1
        }
        // Who is left spoke meanwhile; what is missing is decided on anew in the next period.
        let isOver = shedding.left == 0 || shedding.closed >= shedding.pace.connections
        self.departures.shedding = isOver ? nil : shedding
    }

    /// A connection that is being made is let be: it would come back to ask the same.
    private func maySend(away connection: EdgeConnection) -> Bool {
        connection.isOpen && connection.flags.contains([.connected, .admitted]) && !connection.flags.contains(.waits)
    }

    /// Ticks since the last command of a connection, or since it came: who was sent here lately is among the last.
    private func silence(_ connection: EdgeConnection) -> UInt32 { self.tick &- connection.commandTick }

    /// The longest silence, in powers of two, that at least `count` connections have kept; zero where there are fewer.
    private func idleTicks(ofMost count: Int) -> UInt32 {
        var counts = [Int](repeating: 0, count: UInt32.bitWidth + 1)
        for connection in self.connections where self.maySend(away: connection) {
            counts[UInt32.bitWidth - self.silence(connection).leadingZeroBitCount] += 1
        }
        var sum = 0
        for bits in stride(from: UInt32.bitWidth, to: 0, by: -1) {
            sum += counts[bits]
            if sum >= count { return 1 << UInt32(bits - 1) }
        }
        return 0
    }
}
