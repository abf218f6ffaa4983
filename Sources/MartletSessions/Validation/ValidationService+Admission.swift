// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore
import MartletInstruments
import MartletPolicy
import Synchronization

/// Connections that must not come in before the authority has said something about their sessions.
extension ValidationService {
    /// Whether a connection of this identity has to wait for `admit`.
    package func mustAsk(_ identity: Identity, now: Int64 = Clock.monotonic) -> Bool {
        guard let key = self.configuration.unit.key(of: identity) else { return false }
        // Whoever is known to be dead is turned away by that check, and nobody need be asked.
        if case .revoked = self.revocations.verdict(for: identity) { return false }
        let (isGood, isStale) = self.roster.withLock { roster in
            let isGood = roster.isGood(key, within: self.configuration.intervalDegraded, now: now)
            return (isGood, !isGood && roster.isStale(key, now: now))
        }
        if isGood { return false }
        // It would be closed again as soon as that is noticed.
        if isStale, self.configuration.onUnavailable == .close { return true }
        switch self.configuration.onConnect {
        case .always: return true
        case .degraded where !self.isPushHealthy(): return true
        case .degraded, .never: return self.isBelowFloor(identity)
        }
    }

    /// Whether a revocation of its token may have been forgotten.
    private func isBelowFloor(_ identity: Identity) -> Bool {
        guard let floor = self.revocations.floor else { return false }
        return (identity.issuedAt ?? .min) <= floor
    }

    /// Whether the authority called a session alive a moment ago: then a revocation that was forgotten was none of it.
    package func isKnownGood(_ identity: Identity, now: Int64 = Clock.monotonic) -> Bool {
        guard let key = self.configuration.unit.key(of: identity) else { return false }
        return self.roster.withLock { $0.isGood(key, within: self.configuration.intervalDegraded, now: now) }
    }

    /// Asks about the session of a connection that wants to come in. `completion` is called once, on any thread, within
    /// `onConnectTimeout`. A session that was found dead is remembered as such before.
    package func admit(
        _ identity: Identity, now: Int64 = Clock.monotonic, completion: @escaping @Sendable (_ isAdmitted: Bool) -> Void
    ) {
        guard let key = self.configuration.unit.key(of: identity) else { return completion(true) }
        let deadline = now + self.configuration.onConnectTimeout.nanoseconds
        let isWaiting =
            !self.roster.withLock { $0.schedule.isResting(now: now) }
            && self.state.withLock { $0.admissions.add(identity, key, until: deadline, completion) }
        if !isWaiting { self.giveUp([completion]) }
    }

    /// What is done with those of whom the authority said nothing.
    private func giveUp(_ completions: [AdmissionQueue.Completion]) {
        guard !completions.isEmpty else { return }
        let isAdmitted = self.configuration.onUnavailable == .keep
        self.metrics.admitted(isAdmitted ? .kept : .refused, count: completions.count)
        for completion in completions { completion(isAdmitted) }
    }

    func expireAdmissions(now: Int64) { self.giveUp(self.state.withLock { $0.admissions.expire(now: now) }) }

    func settle(_ identity: Identity, _ outcome: ValidationOutcome, isHeld: Bool, now: Int64) {
        guard let key = self.configuration.unit.key(of: identity) else { return }
        switch outcome {
        case .active: self.roster.withLock { $0.answeredAtDoor(identity, key, within: nil, now) }
        case .activeFor(let time): self.roster.withLock { $0.answeredAtDoor(identity, key, within: time, now) }
        case .revoked, .unknown: break
        }
        let completions = self.state.withLock { $0.admissions.settle(key) }
        switch outcome {
        case .unknown: return self.giveUp(completions)
        case .active, .activeFor: self.metrics.admitted(.active, count: completions.count)
        // What keeps the dead from being closed lets them in as well.
        case .revoked: self.metrics.admitted(isHeld ? .kept : .revoked, count: completions.count)
        }
        for completion in completions { completion(true) }
    }

    /// Their call failed: they wait for the next one, where there will be one soon.
    func disappoint(_ identities: [Identity], now: Int64) {
        let isResting = self.roster.withLock { $0.schedule.isResting(now: now) }
        let keys = identities.compactMap { self.configuration.unit.key(of: $0) }
        let completions = self.state.withLock { state in
            keys.flatMap { key -> [AdmissionQueue.Completion] in
                if isResting { return state.admissions.settle(key) }
                state.admissions.askAgain(key)
                return []
            }
        }
        self.giveUp(completions)
    }
}
