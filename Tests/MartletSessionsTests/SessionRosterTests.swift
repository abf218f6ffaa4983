// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletPolicy
import Testing

@testable import MartletSessions

@Suite struct SessionRosterTests {
    private static let second: Int64 = 1_000_000_000

    private func roster(_ change: (inout ValidationConfiguration) -> Void = { _ in }) -> SessionRoster {
        var configuration = ValidationConfiguration()
        configuration.interval = .seconds(600)
        configuration.intervalDegraded = .seconds(60)
        configuration.batchMax = 1_000_000
        configuration.batchWait = .zero
        configuration.callsPerSecond = 1_000_000
        configuration.concurrencyMax = 1_000_000
        change(&configuration)
        return SessionRoster(configuration, now: 0)
    }

    private func identity(_ number: Int, token: Int = 0) -> Identity {
        Identity(user: "u\(number)", session: "s\(number)", token: "t\(number)-\(token)", issuedAt: 1)
    }

    /// Due sessions at a time, all of them.
    private func take(_ roster: SessionRoster, at now: Int64) -> [SessionToValidate] {
        roster.withLock { roster in
            roster.advance(to: now)
            return roster.nextBatch(now: now) ?? []
        }
    }

    @Test func asksOnceForEachSessionHoweverManyConnections() {
        let roster = self.roster()
        for connection in 0..<5 { roster.opened(self.identity(1, token: connection), now: 0) }
        roster.opened(self.identity(2), now: 0)
        #expect(roster.count == 2)
        let due = self.take(roster, at: 601 * Self.second)
        #expect(Set(due.compactMap(\.identity.session)) == ["s1", "s2"])
        #expect(due.count == 2)
        // The token that came last stands for the session.
        #expect(due.contains { $0.identity.token == "t1-4" })
        for _ in 0..<4 { roster.closed(self.identity(1), now: 0) }
        #expect(roster.count == 2)
        roster.closed(self.identity(1), now: 0)
        #expect(roster.count == 1)
    }

    @Test func tellsHowASessionStands() throws {
        let roster = self.roster()
        #expect(roster.standing(of: "s1", now: 0) == nil)
        roster.opened(self.identity(1), now: 0)
        let fresh = try #require(roster.standing(of: "s1", now: 2 * Self.second))
        #expect(fresh.answer == .active && fresh.goodFor == .seconds(2))
        #expect(try #require(fresh.nextIn) <= .seconds(600))
        let asked = self.take(roster, at: 601 * Self.second)
        #expect(roster.standing(of: "s1", now: 601 * Self.second)?.nextIn == nil)
        roster.withLock { roster in
            for session in asked { roster.unanswered(session, wait: .seconds(10), now: 601 * Self.second) }
        }
        let unknown = try #require(roster.standing(of: "s1", now: 601 * Self.second))
        #expect(unknown.answer == .unknown && unknown.goodFor == .seconds(601) && unknown.nextIn != nil)
    }

    @Test func anonymousAreNeverAsked() {
        let roster = self.roster()
        roster.opened(Identity(user: "", session: "s"), now: 0)
        roster.closed(Identity(user: "", session: "s"), now: 0)
        #expect(roster.count == 0)
        #expect(self.take(roster, at: 10_000 * Self.second).isEmpty)
    }

    @Test func sessionKeyFallsBackToTokenAndTime() {
        let roster = self.roster()
        roster.opened(Identity(user: "u", token: "t", issuedAt: 1), now: 0)
        roster.opened(Identity(user: "u", token: "t", issuedAt: 2), now: 0)
        roster.opened(Identity(user: "u", issuedAt: 1), now: 0)
        roster.opened(Identity(user: "u", issuedAt: 2), now: 0)
        #expect(roster.count == 3)
    }

    @Test func reconnectingEscapesNothing() {
        let roster = self.roster()
        roster.opened(self.identity(1), now: 0)
        var asked = 0
        for now in 1...700 as ClosedRange<Int64> {
            roster.closed(self.identity(1), now: now * Self.second)
            // Gone whenever a turn could come, and back for a moment only.
            asked += self.take(roster, at: now * Self.second).count
            roster.opened(self.identity(1), now: now * Self.second)
            asked += self.take(roster, at: now * Self.second).count
        }
        #expect(asked == 1)
    }

    @Test func thePlaceOfWhoIsAwayIsBounded() {
        let roster = self.roster { $0.lingeringMax = 10 }
        for number in 0..<1_000 { roster.opened(self.identity(number), now: 0) }
        let bytes = roster.bytes
        for number in 0..<1_000 { roster.closed(self.identity(number), now: 0) }
        #expect(roster.count == 0)
        #expect(roster.lingering == 10)
        #expect(self.take(roster, at: 601 * Self.second).isEmpty)
        // The places are used again.
        for number in 0..<1_000 { roster.opened(self.identity(number + 5_000), now: 601 * Self.second) }
        #expect(self.take(roster, at: 1_300 * Self.second).count == 1_000)
        #expect(roster.bytes <= bytes * 2)
        // Those that are away are forgotten in the end.
        #expect(self.take(roster, at: 10_000 * Self.second).isEmpty)
        #expect(roster.lingering == 0)
    }

    @Test func thoseWhoWentLastAreRemembered() {
        let roster = self.roster { $0.lingeringMax = 100 }
        for number in 0..<200 {
            roster.opened(self.identity(number), now: 0)
            roster.closed(self.identity(number), now: 0)
        }
        #expect(self.take(roster, at: 601 * Self.second).isEmpty)
        // Their turns came meanwhile, so they are asked about at once; who is new is not.
        for number in 100..<200 { roster.opened(self.identity(number), now: 602 * Self.second) }
        for number in 0..<100 { roster.opened(self.identity(number), now: 602 * Self.second) }
        let due = self.take(roster, at: 602 * Self.second).compactMap { Int($0.identity.user.dropFirst()) }
        #expect(Set(100..<200).isSubset(of: due))
        #expect(due.count < 110)
    }

    @Test func whatIsAskedAboutIsWhatCountsAsOne() {
        let first = Identity(user: "u", session: "s", token: "t1", issuedAt: 1, credential: Array("a.b.c".utf8))
        let second = Identity(user: "u", session: "s", token: "t2", issuedAt: 2, credential: Array("d.e.f".utf8))
        for (unit, count) in [(ValidationUnit.session, 1), (.token, 2), (.credential, 2)] {
            let roster = self.roster { $0.unit = unit }
            roster.opened(first, now: 0)
            roster.opened(second, now: 0)
            #expect(roster.count == count)
            roster.closed(first, now: 0)
            roster.closed(second, now: 0)
            #expect(roster.count == 0)
        }
        #expect(ValidationUnit.session.target(of: first) == .session("s"))
        #expect(ValidationUnit.credential.target(of: first) == .token("t1"))
        #expect(ValidationUnit.credential.key(of: Identity(user: "u", token: "t")) == nil)
        #expect(ValidationUnit.token.key(of: Identity(user: "u", session: "s")) == nil)
    }

    @Test func theTokenThatLivesLongestStandsForASession() {
        let roster = self.roster()
        let old = Identity(user: "u", session: "s", token: "old", issuedAt: 1, expiresAt: 100)
        let new = Identity(user: "u", session: "s", token: "new", issuedAt: 2, expiresAt: 200)
        roster.opened(new, now: 0)
        roster.opened(old, now: 0)
        #expect(self.take(roster, at: 601 * Self.second).map(\.identity.token) == ["new"])
    }

    @Test func closedWhileAskedAbout() {
        let roster = self.roster()
        roster.opened(self.identity(1), now: 0)
        let due = self.take(roster, at: 601 * Self.second)
        roster.closed(self.identity(1), now: 0)
        roster.withLock { $0.answered(due[0], isGood: true, now: 602 * Self.second) }
        #expect(roster.count == 0)
        #expect(self.take(roster, at: 2_000 * Self.second).isEmpty)
        // An answer that comes after all is over changes nothing.
        roster.withLock { $0.answered(due[0], isGood: true, now: 2_001 * Self.second) }
        roster.opened(self.identity(1), now: 2_001 * Self.second)
        #expect(roster.count == 1)
    }

    @Test func unboundedTokensAreAskedAboutAtOnce() {
        let roster = self.roster { $0.unboundedLifetime = .seconds(100) }
        roster.opened(Identity(user: "a", issuedAt: 1_000, expiresAt: 1_100), now: 0)
        roster.opened(Identity(user: "b", issuedAt: 1_000, expiresAt: 1_101), now: 0)
        roster.opened(Identity(user: "c", issuedAt: 1_000), now: 0)
        roster.opened(Identity(user: "d", expiresAt: 1_000), now: 0)
        let due = self.take(roster, at: Self.second / 5)
        #expect(Set(due.map(\.identity.user)).isSuperset(of: ["b", "c", "d"]))
    }

    @Test func isSmall() {
        let roster = self.roster()
        for number in 0..<100_000 { roster.opened(self.identity(number), now: 0) }
        #expect(roster.bytes <= 100_000 * 80)
    }
}
