// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
package import Logging
package import MartletCore
import MartletInstruments
package import MartletPolicy
import ServiceLifecycle
import Synchronization

/// Asks the authority about the sessions of this node, each once in an interval, in batches, within a budget; and about
/// those that wait at the door.
package final class ValidationService: Service {
    /// What the node does with what was found.
    package struct Handlers: Sendable {
        /// A session is dead: to be remembered before this returns, told to every node, and closed.
        package var onInvalid: @Sendable (Invalidation) -> Void
        /// Sessions of which nothing was heard for too long, where the policy is to close them.
        package var onStale: @Sendable ([Identity]) -> Void

        package init(
            onInvalid: @escaping @Sendable (Invalidation) -> Void, onStale: @escaping @Sendable ([Identity]) -> Void
        ) {
            self.onInvalid = onInvalid
            self.onStale = onStale
        }
    }

    struct State {
        var deathGuard: DeathGuard
        var admissions: AdmissionQueue
        var overdueCountedAt: Int64 = .min
        /// Whether the next call leaves places to those who are inside.
        var sharesCall = false
    }

    /// How often it looks what is due.
    private static let tick: Duration = .milliseconds(50)
    /// How often it counts what is overdue.
    private static let countInterval: Int64 = 500_000_000
    /// Missed events that are logged one by one, of those that are noticed together.
    private static let logMax = 10

    let configuration: ValidationConfiguration
    private let validator: any SessionValidator
    let roster: SessionRoster
    let revocations: RevocationTable
    private let missedPush: MissedPush
    let isPushHealthy: @Sendable () -> Bool
    private let handlers: Handlers
    let metrics: SessionMetrics
    private let logger: Logger
    let state: Mutex<State>

    package init(
        _ configuration: ValidationConfiguration, validator: any SessionValidator, roster: SessionRoster,
        revocations: RevocationTable, missedPush: MissedPush, isPushHealthy: @escaping @Sendable () -> Bool,
        handlers: Handlers, metrics: SessionMetrics, logger: Logger
    ) {
        self.configuration = configuration
        self.validator = validator
        self.roster = roster
        self.revocations = revocations
        self.missedPush = missedPush
        self.isPushHealthy = isPushHealthy
        self.handlers = handlers
        self.metrics = metrics
        self.logger = logger
        self.state = Mutex(
            State(
                deathGuard: DeathGuard(shareMax: configuration.deadShareMax, sampleMin: configuration.deadSampleMin),
                admissions: AdmissionQueue(waitingMax: configuration.onConnectWaitingMax)))
    }

    package func run() async throws {
        self.validator.start()
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                while !Task.isCancelled {
                    for batch in self.step(now: Clock.monotonic) { group.addTask { await self.ask(batch) } }
                    try? await Task.sleep(for: Self.tick)
                }
                group.cancelAll()
            }
        }
        for completion in self.state.withLock({ $0.admissions.settleAll() }) { completion(false) }
        await self.validator.shutdown()
    }

    // MARK: What is to be done

    /// Does what is due at `now` but for the calls, which it returns; each must be followed by `answered` or `failed`.
    func step(now: Int64) -> [[SessionToValidate]] {
        let isPushHealthy = self.isPushHealthy()
        let stale = self.roster.withLock { roster in
            roster.advance(to: now, isPushHealthy: isPushHealthy)
            return roster.sweepStale(now: now)
        }
        self.tell(stale)
        self.expireAdmissions(now: now)
        var batches: [[SessionToValidate]] = []
        while let batch = self.nextBatch(now: now) { batches.append(batch) }
        self.countOverdue(now: now)
        self.countMissed(self.missedPush.missed(now: now))
        return batches
    }

    /// Who waits at the door comes first. Where those fill a call, every second one leaves half of its places to those
    /// who are inside, or nobody would ever be asked about again.
    private func nextBatch(now: Int64) -> [SessionToValidate]? {
        let most = self.configuration.batchMax
        let (guests, isShared) = self.state.withLock { state in
            state.sharesCall.toggle()
            return (Swift.min(state.admissions.unaskedCount, most), state.sharesCall)
        }
        if isShared, guests == most, let batch = self.batch(guests: most / 2, now: now) { return batch }
        return self.batch(guests: guests, now: now)
    }

    private func batch(guests: Int, now: Int64) -> [SessionToValidate]? {
        guard let due = self.roster.withLock({ $0.nextBatch(guests: guests, now: now) }) else { return nil }
        let waiting = guests > 0 ? self.state.withLock { $0.admissions.take(guests) } : []
        return waiting.map { SessionToValidate(identity: $0) } + due
    }

    private func tell(_ stale: [Identity]) {
        guard !stale.isEmpty else { return }
        self.metrics.validationStale.add(stale.count)
        if self.configuration.onUnavailable == .close { self.handlers.onStale(stale) }
    }

    private func countOverdue(now: Int64) {
        let isTime = self.state.withLock { state in
            guard now >= state.overdueCountedAt else { return false }
            state.overdueCountedAt = now + Self.countInterval
            return true
        }
        guard isTime else { return }
        self.metrics.validationOverdue.set(self.roster.withLock { $0.schedule.overdue(now: now) })
    }

    // MARK: Calls

    private func ask(_ batch: [SessionToValidate]) async {
        do {
            let outcomes = try await self.validator.validate(batch)
            self.answered(batch, outcomes, now: Clock.monotonic)
        } catch {
            self.failed(batch, error, now: Clock.monotonic)
        }
    }

    private struct AnswerOfAnotherLength: Error {}

    func answered(_ batch: [SessionToValidate], _ outcomes: [ValidationOutcome], now: Int64) {
        guard outcomes.count == batch.count else {
            return self.failed(batch, AnswerOfAnotherLength(), now: now)
        }
        self.metrics.validationCallsDone.add()
        let dead = outcomes.count { if case .revoked = $0 { true } else { false } }
        let (isHeld, hasChanged) = self.state.withLock { state in
            let wasHeld = state.deathGuard.isActive
            state.deathGuard.count(answers: batch.count, dead: dead, now: now)
            return (state.deathGuard.isActive, state.deathGuard.isActive != wasHeld)
        }
        self.metrics.validationCircuitOpen.set(0)
        if hasChanged { self.reportGuard(isHeld) }
        self.roster.withLock { roster in
            roster.callSucceeded()
            for (session, outcome) in zip(batch, outcomes) where !session.isGuest {
                switch outcome {
                case .active: roster.answered(session, isGood: true, now: now)
                case .activeFor(let time): roster.answered(session, isGood: true, within: time, now: now)
                case .revoked: roster.answered(session, isGood: false, now: now)
                case .unknown: roster.unanswered(session, wait: self.configuration.backoffMax, now: now)
                }
            }
        }
        for (session, outcome) in zip(batch, outcomes) {
            self.act(on: outcome, of: session, isHeld: isHeld, now: now)
            if session.isGuest { self.settle(session.identity, outcome, isHeld: isHeld, now: now) }
        }
    }

    private func act(on outcome: ValidationOutcome, of session: SessionToValidate, isHeld: Bool, now: Int64) {
        switch outcome {
        case .active, .activeFor: self.metrics.validationsActive.add()
        case .unknown: self.metrics.validationsUnknown.add()
        case .revoked where isHeld: self.metrics.validationsWithheld.add()
        case .revoked(let reason):
            self.metrics.validationsRevoked.add()
            self.end(session.identity, reason, now: now)
        }
    }

    func failed(_ batch: [SessionToValidate], _ error: any Error, now: Int64) {
        let hasOpened = self.roster.withLock { roster in
            let wasOpen = roster.schedule.isCircuitOpen
            let wait = roster.callFailed(now: now)
            for session in batch where !session.isGuest { roster.unanswered(session, wait: wait, now: now) }
            return roster.schedule.isCircuitOpen && !wasOpen
        }
        self.metrics.validationCallsFailed.add()
        self.metrics.validationsUnknown.add(batch.count)
        if hasOpened {
            self.metrics.validationCircuitOpen.set(1)
            self.logger.error("sessions cannot be validated", metadata: ["error": "\(error)"])
        } else {
            self.logger.debug("a validation failed", metadata: ["error": "\(error)"])
        }
        self.disappoint(batch.filter(\.isGuest).map(\.identity), now: now)
    }

    // MARK: The dead

    private func end(_ identity: Identity, _ reason: String?, now: Int64) {
        let invalidation = Invalidation(
            id: MissedPush.findingPrefix + UUID().uuidString.lowercased(),
            target: self.configuration.unit.target(of: identity),
            at: Clock.wall, reason: reason, source: .pull)
        // Asked before what was found is remembered itself.
        if self.configuration.expectsPush, case .clear = self.revocations.verdict(for: identity),
            !self.missedPush.found(identity, now: now)
        {
            self.countMissed([identity])
        }
        self.handlers.onInvalid(invalidation)
    }

    private func countMissed(_ missed: [Identity]) {
        guard !missed.isEmpty else { return }
        self.metrics.missedPush.add(missed.count)
        for identity in missed.prefix(Self.logMax) {
            self.logger.warning(
                "a session ended of which no event told", metadata: ["session_sha256": "\(Self.hashed(identity))"])
        }
        if missed.count > Self.logMax {
            self.logger.warning(
                "more sessions ended of which no event told", metadata: ["count": "\(missed.count - Self.logMax)"])
        }
    }

    /// What a log may say of a session: enough to find it for who knows its id, and nothing else.
    static func hashed(_ identity: Identity) -> String {
        SHA256.hash(data: Data(identity.sessionKey.utf8)).prefix(8).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    private func reportGuard(_ isHeld: Bool) {
        self.metrics.validationGuard.set(isHeld ? 1 : 0)
        if isHeld {
            self.logger.critical("the authority calls too many sessions dead: none is closed for it until that ends")
        } else {
            self.logger.notice("the authority calls few sessions dead again")
        }
    }
}
