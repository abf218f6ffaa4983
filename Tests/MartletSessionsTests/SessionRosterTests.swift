// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Testing

@testable import MartletSessions

@Suite struct SessionRosterTests {
    private static let second: Int64 = 1_000_000_000

    private func roster(_ change: (inout ValidationConfiguration) -> Void = { _ in }) -> SessionRoster {
        var configuration = ValidationConfiguration()
        configuration.interval = .seconds(600)
        configuration.intervalDegraded = .seconds(60)
        change(&configuration)
        return SessionRoster(configuration)
    }

    private func identity(_ number: Int, token: Int = 0) -> Identity {
        Identity(user: "u\(number)", session: "s\(number)", token: "t\(number)-\(token)", issuedAt: 1)
    }

    /// Due sessions at a time, all of them.
    private func take(_ roster: SessionRoster, at now: Int64) -> [SessionToValidate] {
        roster.withLock { roster in
            roster.advance(to: now)
            return roster.take(.max)
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
        for _ in 0..<4 { roster.closed(self.identity(1)) }
        #expect(roster.count == 2)
        roster.closed(self.identity(1))
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
        roster.closed(Identity(user: "", session: "s"))
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

    @Test func isNeverInStepAndNeverLate() {
        let roster = self.roster()
        let count = 6_000
        for number in 0..<count { roster.opened(self.identity(number), now: 0) }
        var asked: [Int32: Int64] = [:]
        // Two rounds of ten minutes, second by second.
        for now in 1...1_260 as ClosedRange<Int64> {
            let due = self.take(roster, at: now * Self.second)
            // 10 a second on the average; in step they would come all at once.
            #expect(due.count < 60)
            for session in due {
                #expect(now - (asked[session.id] ?? 0) <= 601)
                asked[session.id] = now
                roster.withLock { $0.answered(session, isGood: true, now: now * Self.second) }
            }
        }
        #expect(asked.count == count)
        #expect(asked.values.allSatisfy { $0 > 600 })
    }

    @Test func reconnectingEscapesNothing() {
        let roster = self.roster()
        roster.opened(self.identity(1), now: 0)
        var asked = 0
        for now in 1...700 as ClosedRange<Int64> {
            roster.closed(self.identity(1))
            roster.opened(self.identity(1), now: now * Self.second)
            asked += self.take(roster, at: now * Self.second).count
        }
        #expect(asked == 1)
    }

    @Test func forgetsTheClosed() {
        let roster = self.roster { $0.lingeringMax = 10 }
        for number in 0..<1_000 { roster.opened(self.identity(number), now: 0) }
        let bytes = roster.bytes
        for number in 0..<1_000 { roster.closed(self.identity(number)) }
        #expect(roster.count == 0)
        #expect(self.take(roster, at: 601 * Self.second).isEmpty)
        // The places are used again.
        for number in 0..<1_000 { roster.opened(self.identity(number + 5_000), now: 601 * Self.second) }
        #expect(roster.bytes == bytes)
        #expect(self.take(roster, at: 1_300 * Self.second).count == 1_000)
    }

    @Test func closedWhileAskedAbout() {
        let roster = self.roster()
        roster.opened(self.identity(1), now: 0)
        let due = self.take(roster, at: 601 * Self.second)
        roster.closed(self.identity(1))
        roster.withLock { $0.answered(due[0], isGood: true, now: 602 * Self.second) }
        #expect(roster.count == 0)
        #expect(self.take(roster, at: 2_000 * Self.second).isEmpty)
        // An answer that comes after all is over changes nothing.
        roster.withLock { $0.answered(due[0], isGood: true, now: 2_001 * Self.second) }
        roster.opened(self.identity(1), now: 2_001 * Self.second)
        #expect(roster.count == 1)
    }

    @Test func pushFailureBringsDeadlinesForward() {
        let roster = self.roster()
        for number in 0..<1_000 { roster.opened(self.identity(number), now: 0) }
        roster.withLock { roster in
            roster.setDegraded(true)
            var start: Int? = 0
            while let from = start { start = roster.hasten(from: from, 100, now: 0) }
        }
        #expect(self.take(roster, at: 61 * Self.second).count == 1_000)
        roster.opened(self.identity(5_000), now: 61 * Self.second)
        #expect(self.take(roster, at: 122 * Self.second).count == 1)
    }

    @Test func oldestGoFirstAndTheRestIsOverdue() {
        let roster = self.roster()
        for number in 0..<100 { roster.opened(self.identity(number), now: 0) }
        let now = 601 * Self.second
        let first = roster.withLock { roster in
            for second in 1...601 as ClosedRange<Int64> { roster.advance(to: second * Self.second) }
            return roster.take(60)
        }
        #expect(first.count == 60)
        #expect(roster.withLock { $0.overdue(now + 2 * Self.second) } == 40)
        let rest = roster.withLock { $0.take(60) }
        #expect(rest.count == 40)
        #expect(roster.withLock { $0.overdue(now + 2 * Self.second) } == 0)
        // Those without an answer are overdue until they have one.
        roster.withLock { roster in
            for session in rest { roster.unanswered(session, wait: .seconds(1), now: now) }
        }
        #expect(roster.withLock { $0.overdue(now) } == 40)
        let again = self.take(roster, at: now + 3 * Self.second)
        #expect(Set(again.map(\.id)) == Set(rest.map(\.id)))
        roster.withLock { roster in
            for session in again { roster.answered(session, isGood: true, now: now) }
        }
        #expect(roster.withLock { $0.overdue(now) } == 0)
    }

    @Test func staleAreFoundOnceEach() {
        let roster = self.roster()
        for number in 0..<100 { roster.opened(self.identity(number), now: 0) }
        func sweep(at seconds: Int64) -> Int {
            roster.withLock { roster in
                (0..<10).reduce(0) { sum, _ in
                    sum + roster.sweepStale(10, olderThan: .seconds(3_600), now: seconds * Self.second).count
                }
            }
        }
        #expect(sweep(at: 3_600) == 0)
        #expect(sweep(at: 3_602) == 100)
        #expect(sweep(at: 3_603) == 0)
        // A good answer makes it fresh; a reconnect alone does not.
        for session in self.take(roster, at: 3_604 * Self.second).prefix(10) {
            roster.withLock { $0.answered(session, isGood: true, now: 3_604 * Self.second) }
        }
        #expect(sweep(at: 3_700) == 0)
        #expect(sweep(at: 7_206) == 10)
        roster.closed(self.identity(50))
        roster.opened(self.identity(50), now: 7_207 * Self.second)
        #expect(sweep(at: 7_208) == 1)
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
