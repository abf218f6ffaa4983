// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletInstruments
import Testing

@testable import MartletSessions

@Suite struct RevocationTableTests {
    private let clock = TestClock()

    private func table(max: Int = 1_000, lifetime: Int = 3_600) -> RevocationTable {
        let clock = self.clock
        return RevocationTable(
            max: max, tokenLifetimeMax: .seconds(lifetime), wall: { clock.wall }, monotonic: { clock.monotonic })
    }

    private func event(
        _ target: Invalidation.Target, at: Double? = nil, source: Invalidation.Source = .kafka
    ) -> Invalidation {
        Invalidation(id: "e", target: target, at: at ?? self.clock.wall, source: source)
    }

    private let ada = Identity(
        user: "ada", session: "s1", token: "t1", issuedAt: 1_799_999_000,
        claims: [.init(name: "org", value: "acme"), .init(name: "device", value: "d1")])

    @Test func tellsWhatIsRememberedOfATarget() {
        let table = self.table(lifetime: 3_600)
        #expect(table.remembered(.session("s1")) == nil)
        _ = table.insert(self.event(.session("s1"), source: .pull), receivedAt: self.clock.wall)
        _ = table.insert(self.event(.user("ada", before: 1_799_999_000)), receivedAt: self.clock.wall)
        let session = table.remembered(.session("s1"))
        #expect(session?.closeReason == .validationFailed && session?.before == nil)
        #expect((3_600...3_662).contains(session?.secondsLeft ?? 0))
        // Whatever time is asked with.
        let user = table.remembered(.user("ada", before: 0))
        #expect(user?.closeReason == .userRevoked && user?.before == 1_799_999_000)
        #expect(table.remembered(.token("s1")) == nil)
    }

    // MARK: Targets

    @Test(arguments: [
        (Invalidation.Target.session("s1"), CloseReason.sessionRevoked),
        (.token("t1"), .tokenRevoked),
        (.user("ada", before: 1_799_999_000), .userRevoked),
        (.claim(name: "org", value: "acme", before: 1_799_999_000), .claimRevoked),
        (.claim(name: "device", value: "d1", before: 1_799_999_000), .claimRevoked),
    ])
    func revokesWhatIsNamed(_ target: Invalidation.Target, _ reason: CloseReason) {
        let table = self.table()
        #expect(table.verdict(for: self.ada) == .clear)
        #expect(table.insert(self.event(target), receivedAt: self.clock.wall) == .added)
        #expect(table.verdict(for: self.ada) == .revoked(reason))
        #expect(table.contains(target))
        // Twice is once.
        #expect(table.insert(self.event(target), receivedAt: self.clock.wall) == .known)
        #expect(table.count == 1)
        #expect(table.verdict(for: Identity(user: "bob", session: "s2", issuedAt: 1)) == .clear)
    }

    @Test(arguments: [
        Invalidation.Target.session("ada"), .token("ada"), .token("s1"), .session("t1"), .user("s1", before: .max),
        .user("ad", before: .max), .claim(name: "org", value: "acme2", before: .max),
        .claim(name: "or", value: "gacme", before: .max), .claim(name: "acme", value: "org", before: .max),
        .claim(name: "", value: "ada", before: .max),
    ])
    func revokesNothingElse(_ target: Invalidation.Target) {
        let table = self.table()
        _ = table.insert(self.event(target), receivedAt: self.clock.wall)
        #expect(table.verdict(for: self.ada) == .clear)
    }

    @Test func pullHasItsOwnReason() {
        let table = self.table()
        _ = table.insert(self.event(.session("s1"), source: .pull), receivedAt: self.clock.wall)
        #expect(table.verdict(for: self.ada) == .revoked(.validationFailed))
    }

    // MARK: Before

    @Test func tieIsRevoked() {
        let table = self.table()
        _ = table.insert(self.event(.user("ada", before: 1_000)), receivedAt: self.clock.wall)
        #expect(table.verdict(for: Identity(user: "ada", issuedAt: 999)) == .revoked(.userRevoked))
        #expect(table.verdict(for: Identity(user: "ada", issuedAt: 1_000)) == .revoked(.userRevoked))
        #expect(table.verdict(for: Identity(user: "ada", issuedAt: 1_001)) == .clear)
        // One that does not say when it was issued counts as issued before everything.
        #expect(table.verdict(for: Identity(user: "ada")) == .revoked(.userRevoked))
    }

    @Test func latestBeforeWins() {
        let table = self.table()
        let insert = { before in table.insert(self.event(.user("ada", before: before)), receivedAt: self.clock.wall) }
        #expect(insert(1_000) == .added)
        #expect(insert(900) == .known)
        #expect(table.verdict(for: Identity(user: "ada", issuedAt: 1_000)) == .revoked(.userRevoked))
        #expect(insert(1_100) == .added)
        #expect(insert(1_050) == .known)
        #expect(table.verdict(for: Identity(user: "ada", issuedAt: 1_100)) == .revoked(.userRevoked))
        #expect(table.contains(.user("ada", before: 1_100)))
        #expect(!table.contains(.user("ada", before: 1_101)))
        #expect(table.count == 1)
    }

    @Test func agreesWithTheEventItself() {
        let targets: [Invalidation.Target] = [
            .session("s1"), .token("t1"), .user("ada", before: 5), .user("bob", before: 5),
            .claim(name: "org", value: "acme", before: 5),
        ]
        for target in targets {
            let event = self.event(target)
            let table = self.table()
            _ = table.insert(event, receivedAt: self.clock.wall)
            for user in ["ada", "bob", ""] {
                for (session, token) in [("s1", "t2"), ("s2", "t1"), (nil, nil)] as [(String?, String?)] {
                    for issuedAt in [nil, 4, 5, 6] as [Int64?] {
                        for claims in [[], [Identity.Claim(name: "org", value: "acme")]] {
                            let identity = Identity(
                                user: user, session: session, token: token, issuedAt: issuedAt, claims: claims)
                            #expect((table.verdict(for: identity) != .clear) == event.matches(identity))
                        }
                    }
                }
            }
        }
    }

    // MARK: Retention

    @Test func isKeptUntilEveryTokenHasExpired() {
        let table = self.table(lifetime: 3_600)
        _ = table.insert(self.event(.session("s1")), receivedAt: self.clock.wall)
        self.clock.advance(seconds: 3_659)
        #expect(table.verdict(for: self.ada) == .revoked(.sessionRevoked))
        self.clock.advance(seconds: 2)
        #expect(table.verdict(for: self.ada) == .clear)
        #expect(table.count == 1)
        table.expire()
        #expect(table.count == 0)
        #expect(table.floor == nil)
    }

    @Test func retentionCountsFromTheLatestOfItsTimes() {
        for (at, before, received) in [(-100.0, -100, 0.0), (0, -100, -100), (-100, 0, -100)] {
            let table = self.table(lifetime: 3_600)
            let now = self.clock.wall
            let event = self.event(.user("ada", before: Int64(now) + Int64(before)), at: now + at)
            _ = table.insert(event, receivedAt: now + received)
            self.clock.advance(seconds: 3_659)
            #expect(table.verdict(for: Identity(user: "ada", issuedAt: 1)) == .revoked(.userRevoked))
            self.clock.advance(seconds: 2)
            #expect(table.verdict(for: Identity(user: "ada", issuedAt: 1)) == .clear)
        }
    }

    @Test func oldEventsAreNotKept() {
        let table = self.table(lifetime: 3_600)
        let now = self.clock.wall
        #expect(table.insert(self.event(.session("s1"), at: now - 3_661), receivedAt: now - 3_661) == .expired)
        #expect(table.insert(self.event(.session("s1"), at: now - 3_650), receivedAt: now - 3_650) == .added)
        #expect(table.count == 1)
    }

    @Test func stepOfTheWallClockForgetsNothing() {
        let table = self.table(lifetime: 3_600)
        _ = table.insert(self.event(.session("s1")), receivedAt: self.clock.wall)
        self.clock.step(seconds: 1_000_000)
        table.expire()
        #expect(table.verdict(for: self.ada) == .revoked(.sessionRevoked))
        self.clock.step(seconds: -2_000_000)
        self.clock.advance(seconds: 3_600)
        table.expire()
        #expect(table.verdict(for: self.ada) == .revoked(.sessionRevoked))
    }

    @Test func survivesAbsurdTimes() {
        let table = self.table()
        for at in [Double.nan, .infinity, -.infinity, 1e300, -1e300] {
            _ = table.insert(self.event(.session("s1"), at: at), receivedAt: self.clock.wall)
            _ = table.insert(self.event(.session("s1"), at: self.clock.wall), receivedAt: at)
        }
        _ = table.insert(self.event(.user("ada", before: .max)), receivedAt: self.clock.wall)
        _ = table.insert(self.event(.user("bob", before: .min)), receivedAt: self.clock.wall)
        #expect(table.verdict(for: self.ada) != .clear)
        #expect(table.verdict(for: Identity(user: "bob", issuedAt: 1)) == .clear)
    }

    // MARK: The bound and the floor

    @Test func oldestGiveWayAndTheFloorRises() {
        let table = self.table(max: 100)
        for number in 0..<100 {
            _ = table.insert(self.event(.session("s\(number)")), receivedAt: self.clock.wall)
            self.clock.advance(seconds: 1)
        }
        #expect(table.count == 100 && table.floor == nil)
        let first = 1_800_000_000.0
        _ = table.insert(self.event(.session("new")), receivedAt: self.clock.wall)
        #expect(table.count <= 100)
        // Three went: those of the first three seconds, so tokens up to the third and the leeway are in doubt.
        let floor = Int64(first) + 2 + 60
        #expect(table.floor == floor)
        for number in 3..<100 {
            let identity = Identity(user: "u", session: "s\(number)", issuedAt: floor + 1)
            #expect(table.verdict(for: identity) == .revoked(.sessionRevoked))
        }
        for number in 0..<3 {
            let identity = Identity(user: "u", session: "s\(number)", issuedAt: Int64(first))
            #expect(table.verdict(for: identity) == .belowFloor)
        }
        #expect(table.verdict(for: Identity(user: "u", issuedAt: floor)) == .belowFloor)
        #expect(table.verdict(for: Identity(user: "u", issuedAt: floor + 1)) == .clear)
        #expect(table.verdict(for: Identity(user: "u")) == .belowFloor)
        // Nobody could have revoked a connection that has no name at all.
        #expect(table.verdict(for: Identity(user: "")) == .clear)
    }

    @Test func expiredGiveWayFirst() {
        let table = self.table(max: 100, lifetime: 3_600)
        for number in 0..<50 { _ = table.insert(self.event(.session("a\(number)")), receivedAt: self.clock.wall) }
        self.clock.advance(seconds: 3_661)
        for number in 0..<100 {
            #expect(table.insert(self.event(.session("b\(number)")), receivedAt: self.clock.wall) == .added)
        }
        #expect(table.count == 100)
        #expect(table.floor == nil)
    }

    @Test func knownTargetsNeedNoRoom() {
        let table = self.table(max: 10)
        for number in 0..<10 { _ = table.insert(self.event(.session("s\(number)")), receivedAt: self.clock.wall) }
        for number in 0..<10 {
            #expect(table.insert(self.event(.session("s\(number)")), receivedAt: self.clock.wall) == .known)
        }
        #expect(table.count == 10 && table.floor == nil)
    }

    @Test func floorIsNeverTooLowAfterTheWallClockWasSetBack() {
        let table = self.table(max: 1)
        _ = table.insert(self.event(.session("s1")), receivedAt: self.clock.wall)
        let issuedAt = Int64(self.clock.wall)
        self.clock.step(seconds: -500)
        self.clock.advance(seconds: 1)
        _ = table.insert(self.event(.session("s2"), at: self.clock.wall + 501), receivedAt: self.clock.wall + 501)
        #expect(table.verdict(for: Identity(user: "u", session: "s1", issuedAt: issuedAt)) == .belowFloor)
    }

    @Test func floorOnlyRises() {
        let table = self.table()
        table.raiseFloor(to: 100)
        table.raiseFloor(to: 50)
        #expect(table.floor == 100)
    }

    /// No call takes much longer than the least that goes at once, and some calls are through with all.
    @Test func expiryGoesASegmentAtATime() {
        let table = self.table(max: 100_000, lifetime: 3_600)
        let count = 60_000
        for number in 0..<count { _ = table.insert(self.event(.session("s\(number)")), receivedAt: self.clock.wall) }
        // Nothing expires yet, and nothing goes.
        for _ in 0..<4 { table.expire() }
        #expect(table.count == count)
        self.clock.advance(seconds: 3_661)
        var sizes: [Int] = []
        while table.count > 0, sizes.count < 64 {
            let before = table.count
            table.expire()
            sizes.append(before - table.count)
        }
        #expect(table.count == 0 && sizes.allSatisfy { $0 <= 10_000 } && sizes.count >= 8, "\(sizes)")
    }

    // MARK: Size

    @Test func manyEntriesInManySegments() {
        let registry = MetricsRegistry()
        let table = RevocationTable(
            max: 100_000, tokenLifetimeMax: .seconds(3_600), metrics: SessionMetrics(registry))
        let at = Clock.wall
        for number in 0..<50_000 {
            let target: Invalidation.Target = number % 2 == 0 ? .session("s\(number)") : .user("s\(number)", before: 10)
            #expect(
                table.insert(Invalidation(id: "", target: target, at: at, source: .kafka), receivedAt: at) == .added)
        }
        #expect(table.count == 50_000)
        #expect(table.bytes <= 50_000 * 40)
        for number in stride(from: 0, to: 50_000, by: 7) {
            #expect(table.contains(number % 2 == 0 ? .session("s\(number)") : .user("s\(number)", before: 10)))
            #expect(!table.contains(number % 2 == 1 ? .session("s\(number)") : .user("s\(number)", before: 10)))
        }
        #expect(registry.exposition().contains("martlet_invalidations_total{outcome=\"added\"} 50000\n"))
        #expect(registry.exposition().contains("martlet_revocations 50000\n"))
    }
}
