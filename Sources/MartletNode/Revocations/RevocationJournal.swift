// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletProtocol
import Synchronization

/// The last events that this node applied, with what came of them: what receipts and explanations tell from.
///
/// Entries are found by walking the ring from the newest on, because whoever asks is rare and whoever writes is not.
final class RevocationJournal: Sendable {
    /// Events that are remembered.
    static let eventsMax = 10_000
    /// Events made here whose return from their log is awaited.
    private static let returnsMax = 10_000

    struct Entry: Sendable {
        var invalidation: Invalidation
        var position: EventPosition?
        /// Seconds since 1970, when it was in the table.
        var appliedAt: Double
        /// Whether it was read while nobody was let in yet.
        var isReplay: Bool
        var tally: ClosureTally
    }

    private struct State: Sendable {
        var ring: [Entry] = []
        /// Where the next entry goes once the ring is full.
        var next = 0
        /// Where those stand that were made here and will come once more, from their log.
        var awaited: [EventPosition: Int] = [:]
    }

    private let state = Mutex(State())
    private let eventsMax: Int

    init(eventsMax: Int = RevocationJournal.eventsMax) { self.eventsMax = max(1, eventsMax) }

    /// Notes that an event is in the table; the connections that it ends are to be counted in what is returned.
    ///
    /// - Parameter isOwn: It was made here, and its log will bring it once more.
    func note(
        _ invalidation: Invalidation, at position: EventPosition?, isOwn: Bool = false, isReplay: Bool = false,
        appliedAt: Double = Clock.wall
    ) -> ClosureTally {
        self.state.withLock { state in
            if let position {
                // Its return, or the log was faster than its acknowledgement.
                if !state.awaited.isEmpty, let index = state.awaited.removeValue(forKey: position),
                    state.ring[index].position == position
                {
                    return state.ring[index].tally
                }
                if isOwn, let known = Self.newest(state, where: { $0.position == position }) { return known.tally }
            }
            let entry = Entry(
                invalidation: invalidation, position: position, appliedAt: appliedAt, isReplay: isReplay,
                tally: ClosureTally())
            let index: Int
            if state.ring.count < self.eventsMax {
                index = state.ring.count
                state.ring.append(entry)
            } else {
                index = state.next
                state.ring[index] = entry
                state.next = (index + 1) % self.eventsMax
            }
            if isOwn, let position {
                if state.awaited.count >= Self.returnsMax { state.awaited.removeAll() }
                state.awaited[position] = index
            }
            return entry.tally
        }
    }

    /// All events that are remembered, the oldest first, and whether there may have been older ones.
    var remembered: (invalidations: [Invalidation], isFull: Bool) {
        let (ring, isFull) = self.state.withLock { state in
            (Array(state.ring[state.next...] + state.ring[..<state.next]), state.ring.count == self.eventsMax)
        }
        return (ring.map(\.invalidation), isFull)
    }

    /// The newest entry of which it is true.
    func newest(where isWanted: (Entry) -> Bool) -> Entry? {
        // Under the lock, because a copy outside would be paid for by the next to write.
        self.state.withLock { Self.newest($0, where: isWanted) }
    }

    private static func newest(_ state: State, where isWanted: (Entry) -> Bool) -> Entry? {
        for offset in 1...max(1, state.ring.count) where offset <= state.ring.count {
            let index = (state.next + state.ring.count - offset) % state.ring.count
            if isWanted(state.ring[index]) { return state.ring[index] }
        }
        return nil
    }
}
