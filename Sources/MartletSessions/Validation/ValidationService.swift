// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
package import Logging
package import MartletCore
import MartletInstruments
import ServiceLifecycle
import Synchronization

/// Asks the authority about the sessions of this node, each once in an interval, in batches, within a budget.
package final class ValidationService: Service {
    /// What the node does with what was found.
    package struct Handlers: Sendable {
        /// A session is dead: to be remembered, told to every node, and closed.
        package var onInvalid: @Sendable (Invalidation) -> Void
        /// A session of which nothing was heard for too long, where the policy is to close it.
        package var onStale: @Sendable (Identity) -> Void

        package init(
            onInvalid: @escaping @Sendable (Invalidation) -> Void, onStale: @escaping @Sendable (Identity) -> Void
        ) {
            self.onInvalid = onInvalid
            self.onStale = onStale
        }
    }

    private struct State {
        var breaker: CircuitBreaker
        var budget: CallBudget
        var deathGuard: DeathGuard
        var running = 0
        /// Where to go on with bringing deadlines forward after push failed.
        var hastenFrom: Int?
    }

    /// How often it looks what is due.
    private static let tick: Duration = .milliseconds(50)
    /// Sessions looked at under one hold of the roster's lock.
    private static let slice = 4_096

    private let configuration: ValidationConfiguration
    private let validator: any SessionValidator
    private let roster: SessionRoster
    private let revocations: RevocationTable
    private let isPushHealthy: @Sendable () -> Bool
    private let handlers: Handlers
    private let metrics: SessionMetrics
    private let logger: Logger
    private let state: Mutex<State>

    package init(
        _ configuration: ValidationConfiguration, validator: any SessionValidator, roster: SessionRoster,
        revocations: RevocationTable, isPushHealthy: @escaping @Sendable () -> Bool, handlers: Handlers,
        metrics: SessionMetrics, logger: Logger
    ) {
        self.configuration = configuration
        self.validator = validator
        self.roster = roster
        self.revocations = revocations
        self.isPushHealthy = isPushHealthy
        self.handlers = handlers
        self.metrics = metrics
        self.logger = logger
        let backoff = Backoff(base: configuration.backoff, ceiling: configuration.backoffMax)
        self.state = Mutex(
            State(
                breaker: CircuitBreaker(
                    failuresMax: configuration.failuresMax, backoff: backoff, pausesWhileClosed: true),
                budget: CallBudget(perSecond: configuration.callsPerSecond),
                deathGuard: DeathGuard(
                    shareMax: configuration.deadShareMax, sampleMin: configuration.deadSampleMin)))
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                while !Task.isCancelled {
                    for batch in self.step(now: Clock.monotonic) { group.addTask { await self.ask(batch) } }
                    try? await Task.sleep(for: Self.tick)
                }
                group.cancelAll()
            }
        }
    }

    // MARK: What is to be done

    /// Does what is due at `now` but for the calls, which it returns; each must be followed by `answered` or `failed`.
    func step(now: Int64) -> [[SessionToValidate]] {
        self.followPush(now: now)
        self.sweepStale(now: now)
        self.roster.withLock { $0.advance(to: now) }
        let batches = self.batches(now: now)
        let overdue = self.roster.withLock { $0.overdue(now) }
        self.metrics.validationOverdue.set(overdue)
        return batches
    }

    private func batches(now: Int64) -> [[SessionToValidate]] {
        let patience = self.configuration.batchWait.nanoseconds
        return self.state.withLock { state in
            state.budget.refill(now: now)
            var batches: [[SessionToValidate]] = []
            while state.running < self.configuration.concurrencyMax, state.budget.isLeft,
                let waiting = self.roster.withLock({ $0.waiting }),
                waiting.count >= self.configuration.batchMax || now - waiting.since >= patience,
                state.breaker.mayCall(now: now)
            {
                let batch = self.roster.withLock { $0.take(self.configuration.batchMax) }
                guard !batch.isEmpty else {
                    state.breaker.callDropped()
                    continue
                }
                state.budget.spend()
                state.running += 1
                batches.append(batch)
            }
            return batches
        }
    }

    /// While push is away pull covers for it, which concerns the deadlines already set too.
    private func followPush(now: Int64) {
        let isDegraded = !self.isPushHealthy()
        let hasChanged = self.roster.withLock { roster in
            defer { roster.setDegraded(isDegraded) }
            return roster.isDegraded != isDegraded
        }
        self.state.withLock { state in
            if hasChanged { state.hastenFrom = isDegraded ? 0 : nil }
            guard let start = state.hastenFrom else { return }
            state.hastenFrom = self.roster.withLock { $0.hasten(from: start, Self.slice, now: now) }
        }
    }

    private func sweepStale(now: Int64) {
        let age = self.configuration.stalenessMax
        let stale = self.roster.withLock { roster in
            // The whole roster once in about 30 seconds.
            roster.sweepStale(Swift.min(Self.slice, roster.slotCount / 600 + 1), olderThan: age, now: now)
        }
        guard !stale.isEmpty else { return }
        self.metrics.validationStale.add(stale.count)
        if self.configuration.onUnavailable == .close {
            for identity in stale { self.handlers.onStale(identity) }
        }
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
            state.running -= 1
            state.breaker.callSucceeded()
            let wasHeld = state.deathGuard.isActive
            state.deathGuard.count(answers: batch.count, dead: dead, now: now)
            return (state.deathGuard.isActive, state.deathGuard.isActive != wasHeld)
        }
        self.metrics.validationCircuitOpen.set(0)
        if hasChanged { self.reportGuard(isHeld) }
        self.roster.withLock { roster in
            for (session, outcome) in zip(batch, outcomes) {
                switch outcome {
                case .active: roster.answered(session, isGood: true, now: now)
                case .revoked: roster.answered(session, isGood: false, now: now)
                case .unknown: roster.unanswered(session, wait: self.configuration.backoffMax, now: now)
                }
            }
        }
        for (session, outcome) in zip(batch, outcomes) {
            switch outcome {
            case .active: self.metrics.validationsActive.add()
            case .unknown: self.metrics.validationsUnknown.add()
            case .revoked where isHeld: self.metrics.validationsWithheld.add()
            case .revoked(let reason):
                self.metrics.validationsRevoked.add()
                self.end(session.identity, reason)
            }
        }
    }

    func failed(_ batch: [SessionToValidate], _ error: any Error, now: Int64) {
        let (wait, hasOpened) = self.state.withLock { state in
            state.running -= 1
            let wasOpen = state.breaker.isOpen
            let wait = state.breaker.callFailed(now: now)
            return (wait, state.breaker.isOpen && !wasOpen)
        }
        self.metrics.validationCallsFailed.add()
        self.metrics.validationsUnknown.add(batch.count)
        self.roster.withLock { roster in
            for session in batch { roster.unanswered(session, wait: wait, now: now) }
        }
        if hasOpened {
            self.metrics.validationCircuitOpen.set(1)
            self.logger.error("Sessions cannot be validated", metadata: ["error": "\(error)"])
        } else {
            self.logger.debug("A validation failed", metadata: ["error": "\(error)"])
        }
    }

    private func end(_ identity: Identity, _ reason: String?) {
        let invalidation = Invalidation(
            id: "pull-\(UUID().uuidString.lowercased())", target: identity.sessionTarget, at: Clock.wall,
            reason: reason, source: .pull)
        if self.configuration.expectsPush {
            if case .revoked = self.revocations.verdict(for: identity) {} else { self.metrics.missedPush.add() }
        }
        self.handlers.onInvalid(invalidation)
    }

    private func reportGuard(_ isHeld: Bool) {
        self.metrics.validationGuard.set(isHeld ? 1 : 0)
        if isHeld {
            self.logger.critical("The authority calls too many sessions dead: none is closed for it until that ends")
        } else {
            self.logger.notice("The authority calls few sessions dead again")
        }
    }
}

extension Identity {
    /// What ends exactly this session, as far as its token lets it be named.
    fileprivate var sessionTarget: Invalidation.Target {
        if let session = self.session { return .session(session) }
        if let token = self.token { return .token(token) }
        // A token that does not say when it was issued counts as issued before everything.
        return .user(self.user, before: self.issuedAt ?? 0)
    }
}
