// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletCore
import MartletInstruments
import MartletPolicy
import MartletProtocol
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import MartletSessions

@Suite struct ValidationServiceTests {
    private static let second: Int64 = 1_000_000_000

    /// The service with its surroundings; time is what the test says, calls are made by the test.
    private final class Bench: Sendable {
        let roster: SessionRoster
        let revocations = RevocationTable(max: 100_000, tokenLifetimeMax: .seconds(3_600))
        let registry = MetricsRegistry()
        let service: ValidationService
        let missedPush: MissedPush
        private let found = Found()

        private final class Found: Sendable {
            let invalid = Mutex<[Invalidation]>([])
            let stale = Mutex<[String]>([])
        }

        init(validator: any SessionValidator = Nobody(), _ change: (inout ValidationConfiguration) -> Void = { _ in }) {
            var configuration = ValidationConfiguration()
            configuration.interval = .seconds(60)
            configuration.intervalDegraded = .seconds(6)
            configuration.callsPerSecond = 1_000
            change(&configuration)
            let metrics = SessionMetrics(self.registry)
            self.roster = SessionRoster(configuration, metrics: metrics, now: 0)
            self.missedPush = MissedPush(grace: configuration.missedPushGrace)
            let (found, revocations) = (self.found, self.revocations)
            let health = self.health
            self.service = ValidationService(
                configuration, validator: validator, roster: self.roster, revocations: self.revocations,
                missedPush: self.missedPush, isPushHealthy: { health.isHealthy.load(ordering: .relaxed) },
                handlers: .init(
                    onInvalid: { invalidation in
                        _ = revocations.insert(invalidation, receivedAt: Clock.wall)
                        found.invalid.withLock { $0.append(invalidation) }
                    },
                    onStale: { identities in found.stale.withLock { $0 += identities.map(\.sessionKey) } }),
                metrics: metrics, logger: Logger(label: "test"))
        }

        let health = Health()

        final class Health: Sendable {
            let isHealthy = Atomic<Bool>(true)
        }

        var invalid: [Invalidation] { self.found.invalid.withLock { $0 } }
        var stale: [String] { self.found.stale.withLock { $0 } }

        func open(_ count: Int, now: Int64 = 0) {
            for number in 0..<count {
                self.roster.opened(
                    Identity(user: "u\(number)", session: "s\(number)", token: "t\(number)", issuedAt: 1), now: now)
            }
        }

        func metric(_ name: String) -> Int? {
            let line = self.registry.exposition().split(separator: "\n").first { $0.hasPrefix(name + " ") }
            return line.flatMap { Int($0.dropFirst(name.count + 1)) }
        }
    }

    private static func authority(_ url: String, bearer: String? = nil) -> Authority {
        var authority = Authority(url: url)
        authority.answerBytesMax = 1_000
        authority.timeout = bearer == nil ? .milliseconds(300) : .seconds(5)
        if let bearer { authority.credentials = AuthorityCredentials(.bearer(bearer)) }
        return authority
    }

    private struct Nobody: SessionValidator {
        func validate(_: [SessionToValidate]) async throws -> [ValidationOutcome] { [] }
    }

    private struct Outage: Error {}

    // MARK: Batches and budget

    @Test func batchesGoFullOrAfterTheirWait() {
        let bench = Bench { $0.batchMax = 50 }
        bench.open(120)
        // Stepped so coarsely that all is due in one step.
        let batches = bench.service.step(now: 61 * Self.second)
        #expect(batches.map(\.count) == [50, 50])
        #expect(bench.service.step(now: 61 * Self.second + 200_000_000).isEmpty)
        #expect(bench.service.step(now: 61 * Self.second + 250_000_000).map(\.count) == [20])
    }

    @Test func costsFewCalls() {
        let bench = Bench()
        bench.open(100_000)
        var calls = 0
        for tick in 1...(61 * 20) as ClosedRange<Int64> {
            let now = tick * Self.second / 20
            for batch in bench.service.step(now: now) {
                calls += 1
                bench.service.answered(batch, batch.map { _ in .active }, now: now)
            }
        }
        #expect((200...400).contains(calls))
        #expect(bench.metric("martlet_validation_overdue_sessions") == 0)
    }

    @Test func deadSessionsAreToldWithTheirTarget() throws {
        let bench = Bench()
        bench.roster.opened(Identity(user: "a", session: "s", token: "t", issuedAt: 7), now: 0)
        bench.roster.opened(Identity(user: "b", token: "t2", issuedAt: 7), now: 0)
        bench.roster.opened(Identity(user: "c", issuedAt: 7), now: 0)
        bench.roster.opened(Identity(user: "d", session: "alive", issuedAt: 7), now: 0)
        for batch in bench.service.step(now: 61 * Self.second) + bench.service.step(now: 62 * Self.second) {
            let outcomes = batch.map { session -> ValidationOutcome in
                session.identity.user == "d" ? .active : .revoked(reason: "logged out")
            }
            bench.service.answered(batch, outcomes, now: 62 * Self.second)
        }
        #expect(
            Set(bench.invalid.map(\.target)) == [.session("s"), .token("t2"), .user("c", before: 7)])
        #expect(bench.invalid.allSatisfy { $0.source == .pull && $0.closeReason == .validationFailed })
        #expect(bench.invalid.allSatisfy { $0.reason == "logged out" })
        #expect(Set(bench.invalid.map(\.id)).count == 3)
        #expect(bench.metric("martlet_validations_total{outcome=\"revoked\"}") == 3)
        #expect(bench.metric("martlet_missed_push_total") == 0)
    }

    @Test func whatPushHadNotToldIsCountedAfterItsGrace() {
        let bench = Bench { $0.expectsPush = true }
        bench.open(4)
        _ = bench.revocations.insert(
            Invalidation(id: "", target: .session("s0"), at: Clock.wall, source: .kafka), receivedAt: Clock.wall)
        let now = 62 * Self.second
        for batch in bench.service.step(now: now - Self.second) + bench.service.step(now: now) {
            bench.service.answered(batch, batch.map { _ in .revoked(reason: nil) }, now: now)
        }
        #expect(bench.invalid.count == 4, "they are closed at once")
        _ = bench.service.step(now: now + 4 * Self.second)
        #expect(bench.metric("martlet_missed_push_total") == 0, "an event may be on its way")
        bench.missedPush.heard(Invalidation(id: "e", target: .user("u1", before: 1), at: 0, source: .kafka))
        // What another node found by asking is no event.
        bench.missedPush.heard(Invalidation(id: "p", target: .session("s2"), at: 0, source: .pull))
        bench.missedPush.heard(
            Invalidation(id: MissedPush.findingPrefix + "p", target: .session("s2"), at: 0, source: .kafka))
        _ = bench.service.step(now: now + 6 * Self.second)
        #expect(bench.metric("martlet_missed_push_total") == 2)
        _ = bench.service.step(now: now + 60 * Self.second)
        #expect(bench.metric("martlet_missed_push_total") == 2, "each once")
    }

    @Test(arguments: [
        Invalidation.Target.session("s"), .token("t"), .user("u", before: 7),
        .claim(name: "org", value: "x", before: 7),
    ])
    func anyEventThatMatchesIsHeard(_ target: Invalidation.Target) {
        let missed = MissedPush(grace: .seconds(1))
        let identity = Identity(
            user: "u", session: "s", token: "t", issuedAt: 7, claims: [.init(name: "org", value: "x")])
        #expect(missed.found(identity, now: 0))
        missed.heard(Invalidation(id: "", target: .session("other"), at: 0, source: .kafka))
        missed.heard(Invalidation(id: "", target: .user("u", before: 6), at: 0, source: .kafka))
        missed.heard(Invalidation(id: "", target: target, at: 0, source: .api))
        #expect(missed.missed(now: 10 * Self.second).isEmpty)
        #expect(missed.found(identity, now: 10 * Self.second))
        #expect(missed.missed(now: 11 * Self.second).count == 1)
    }

    @Test func aLogNamesASessionByItsHash() {
        // printf %s s1 | sha256sum | cut -c 1-16
        #expect(ValidationService.hashed(Identity(user: "u", session: "s1")) == "e8bc163c82eee187")
    }

    @Test func aMassOfDeadIsHeldBack() {
        let bench = Bench()
        bench.open(1_000)
        var now = 61 * Self.second
        for batch in bench.service.step(now: now) {
            bench.service.answered(batch, batch.map { _ in .revoked(reason: nil) }, now: now)
        }
        #expect(bench.invalid.isEmpty)
        #expect(bench.metric("martlet_validation_guard_active") == 1)
        #expect(bench.metric("martlet_validations_total{outcome=\"withheld\"}") == 1_000)
        // The authority has its database again.
        now += 120 * Self.second
        for batch in bench.service.step(now: now) {
            bench.service.answered(batch, batch.map { _ in .active }, now: now)
        }
        #expect(bench.metric("martlet_validation_guard_active") == 0)
        now += 61 * Self.second
        for batch in bench.service.step(now: now) {
            var outcomes = batch.map { _ in ValidationOutcome.active }
            outcomes[0] = .revoked(reason: nil)
            bench.service.answered(batch, outcomes, now: now)
        }
        #expect(bench.invalid.count == 2)
    }

    // MARK: Outage

    @Test func outageOpensTheCircuitAndEndsWithoutAStampede() {
        let bench = Bench {
            $0.batchMax = 10
            $0.callsPerSecond = 5
        }
        bench.open(300)
        var calls = 0
        // Five minutes without an answer.
        for tick in 1...(300 * 20) as ClosedRange<Int64> {
            let now = tick * Self.second / 20
            for batch in bench.service.step(now: now) {
                calls += 1
                bench.service.failed(batch, Outage(), now: now)
            }
        }
        #expect(calls < 40)
        #expect(bench.metric("martlet_validation_circuit_open") == 1)
        // But for those whose next attempt has been due for less than a second.
        #expect((280...300).contains(bench.metric("martlet_validation_overdue_sessions") ?? 0))
        // It is back: all are asked within the budget.
        calls = 0
        for tick in 1...(100 * 20) as ClosedRange<Int64> {
            let now = 300 * Self.second + tick * Self.second / 20
            for batch in bench.service.step(now: now) {
                calls += 1
                bench.service.answered(batch, batch.map { _ in .active }, now: now)
            }
            #expect(Double(calls) <= 5 * Double(tick) / 20 + 6)
        }
        #expect(bench.metric("martlet_validation_circuit_open") == 0)
        #expect(bench.metric("martlet_validation_overdue_sessions") == 0)
    }

    @Test(arguments: ValidationConfiguration.Unavailable.allCases)
    func staleSessionsAreKeptOrClosed(_ policy: ValidationConfiguration.Unavailable) {
        let bench = Bench {
            $0.stalenessMax = .seconds(120)
            $0.onUnavailable = policy
        }
        bench.open(100)
        for tick in 1...(200 * 20) as ClosedRange<Int64> {
            let now = tick * Self.second / 20
            for batch in bench.service.step(now: now) { bench.service.failed(batch, Outage(), now: now) }
            if tick < 120 * 20 { #expect(bench.stale.isEmpty) }
        }
        #expect(bench.metric("martlet_validation_stale_total") == 100)
        #expect(Set(bench.stale).count == (policy == .close ? 100 : 0))
    }

    @Test func answersOfAnotherLengthAreNone() {
        let bench = Bench()
        bench.open(10)
        for batch in bench.service.step(now: 61 * Self.second) + bench.service.step(now: 62 * Self.second) {
            bench.service.answered(batch, [.active], now: 62 * Self.second)
        }
        #expect(bench.metric("martlet_validations_total{outcome=\"unknown\"}") == 10)
        #expect(bench.metric("martlet_validations_total{outcome=\"active\"}") == 0)
    }

    // MARK: Over HTTP

    @Test func realAuthorityEndsExactlyTheDead() async throws {
        // The authority calls dead what was logged out, by the written contract and nothing else.
        try await TestHTTPServer.run({ request in
            let text = String(decoding: request.body, as: UTF8.self)
            let dead = ["s7", "s13"].filter { text.contains(#""session":"\#($0)""#) }
            let entries = dead.map { #"{"session":"\#($0)","reason":"logged out"}"# }.joined(separator: ",")
            return .init(#"{"invalid":[\#(entries)]}"#)
        }) { server in
            let validator = HTTPValidator(Self.authority(server.url("/validate"), bearer: "s3cret"))
            let bench = Bench(validator: validator) { $0.interval = .seconds(1) }
            bench.open(100, now: Clock.monotonic)
            let group = ServiceGroup(services: [bench.service], logger: Logger(label: "test"))
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                #expect(
                    await eventually {
                        bench.metric("martlet_validations_total{outcome=\"active\"}") ?? 0 >= 98
                            && bench.invalid.contains { $0.target == .session("s7") }
                    })
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
            #expect(Set(bench.invalid.map(\.target)).isSuperset(of: [.session("s7")]))
            #expect(Set(bench.invalid.map(\.target)).isSubset(of: [.session("s7"), .session("s13")]))
            let request = try #require(server.requests.first)
            #expect(request.path == "/validate")
            #expect(request.headers["authorization"] == "Bearer s3cret")
            #expect(request.headers["content-type"] == "application/json")
            #expect(String(decoding: request.body, as: UTF8.self).contains(#""issued_at":1"#))
        }
    }

    @Test(arguments: [
        TestHTTPServer.Response(status: 500, #"{"invalid":[]}"#), .init("nonsense"), .init("{}"), .init(status: 204),
        .init(#"{"invalid":["\#(String(repeating: "x", count: 2_000))"]}"#),
        .init(#"{"invalid":[]}"#, delay: .seconds(2)), .init(#"{"invalid":"s1"}"#),
    ])
    func anythingElseIsNoAnswer(_ response: TestHTTPServer.Response) async throws {
        try await TestHTTPServer.run({ _ in response }) { server in
            let validator = HTTPValidator(Self.authority(server.url("/")))
            await #expect(throws: (any Error).self) {
                try await validator.validate([SessionToValidate(identity: Identity(user: "u", session: "s1"))])
            }
        }
        let nobody = HTTPValidator(Self.authority("http://127.0.0.1:1/"))
        await #expect(throws: (any Error).self) {
            try await nobody.validate([SessionToValidate(identity: Identity(user: "u", session: "s1"))])
        }
    }
}
