// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol

/// What a node remembers of what Redis has lost: less and less, as it finds it in the stream again, be it that it was
/// there all along or that another node has written it.
struct LostRevocations: Sendable {
    /// Events that are kept, over more losses than one.
    static let eventsMax = 2 * RevocationJournal.eventsMax

    /// How an event went into the stream and how it came out of it may differ in its source.
    private struct Name: Hashable, Sendable {
        var id: String
        var target: Invalidation.Target

        init(_ invalidation: Invalidation) {
            self.id = invalidation.id
            self.target = invalidation.target
        }
    }

    private var events: [Name: Invalidation] = [:]
    /// The oldest event of a memory that was full: while it is missing, older ones may be missing too.
    private var edge: Invalidation?

    var isEmpty: Bool { self.events.isEmpty }

    /// - Parameter isFull: Whether there were older ones that are not remembered.
    mutating func add(_ remembered: [Invalidation], isFull: Bool) {
        for invalidation in remembered where self.events.count < Self.eventsMax {
            self.events[Name(invalidation)] = invalidation
        }
        // A second loss may come while the first is read again, and the memory is then of older ones.
        if isFull, let oldest = remembered.first, oldest.at > self.edge?.at ?? 0 { self.edge = oldest }
    }

    mutating func found(_ invalidation: Invalidation) {
        guard !self.events.isEmpty else { return }
        self.events[Name(invalidation)] = nil
    }

    func contains(_ invalidation: Invalidation) -> Bool { self.events[Name(invalidation)] != nil }

    /// The oldest first.
    var missing: [Invalidation] { self.events.values.sorted { ($0.at, $0.id) < ($1.at, $1.id) } }

    /// Up to when there may have been events that nobody remembers by name; nil where there were none.
    var floor: StreamID? {
        guard let edge, self.events[Name(edge)] != nil, edge.at > 0, edge.at < InvalidationTime.secondsMax else {
            return nil
        }
        return StreamID(milliseconds: UInt64(edge.at * 1_000), sequence: 0)
    }
}
