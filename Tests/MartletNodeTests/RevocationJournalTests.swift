// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletProtocol
import Testing

@testable import MartletNode

@Suite("What a node remembers of events")
struct RevocationJournalTests {
    private static func invalidation(_ id: String) -> Invalidation {
        Invalidation(id: id, target: .session(id), at: 1, source: .kafka)
    }

    private static func position(_ offset: Int64) -> EventPosition {
        .kafka(topic: "t", partition: 0, offset: offset)
    }

    @Test func theNewestAreKept() {
        let journal = RevocationJournal(eventsMax: 3)
        #expect(journal.newest { _ in true } == nil)
        for number in Int64(0)..<5 {
            _ = journal.note(Self.invalidation("e\(number)"), at: Self.position(number), appliedAt: Double(number))
        }
        #expect(journal.newest { _ in true }?.invalidation.id == "e4")
        #expect(journal.newest { $0.position == Self.position(2) }?.appliedAt == 2)
        #expect(journal.newest { $0.invalidation.id == "e1" } == nil)
    }

    @Test func whatWasMadeHereIsCountedOnceThoughItComesTwice() {
        let journal = RevocationJournal(eventsMax: 10)
        let own = journal.note(Self.invalidation("a"), at: Self.position(1), isOwn: true)
        #expect(journal.note(Self.invalidation("a"), at: Self.position(1)) === own)
        // A record that is read again after that is an event of its own.
        #expect(journal.note(Self.invalidation("a"), at: Self.position(1)) !== own)
        // The log may be faster than its acknowledgement.
        let read = journal.note(Self.invalidation("b"), at: Self.position(2))
        #expect(journal.note(Self.invalidation("b"), at: Self.position(2), isOwn: true) === read)
        // Others of the same name are others.
        #expect(journal.note(Self.invalidation("b"), at: nil) !== read)
    }

    @Test func aReturnThatComesTooLateFindsItsPlaceTaken() {
        let journal = RevocationJournal(eventsMax: 2)
        let own = journal.note(Self.invalidation("a"), at: Self.position(1), isOwn: true)
        for number in Int64(2)...4 { _ = journal.note(Self.invalidation("x"), at: Self.position(number)) }
        #expect(journal.note(Self.invalidation("a"), at: Self.position(1)) !== own)
    }
}
