// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
package import Logging
import MartletCore
import MartletHTTP
import MartletInstruments
import ServiceLifecycle
import Synchronization

/// The keys of an issuer: those that were configured, and those that it publishes, fetched now and then.
package final class KeyRing: Sendable {
    /// What the keys say of a token's signature.
    enum Finding: Hashable, Sendable {
        case signed
        /// A key that may have signed it has not, or there is none, or none could be fetched.
        case rejected(TokenRejection)
        /// The key may be one that was not fetched yet.
        case keysNeeded
    }

    private struct Keys {
        var set: KeySet
        /// Those of the configuration, and those of the last key set.
        var configured: [VerificationKey]
        var fetched: [VerificationKey] = []
        /// `Clock.monotonic` of the last fetch: when it failed, else when it began; and of the last that succeeded.
        var attemptedAt: Int64?
        var fetchedAt: Int64?
        var fetch: Task<Void, Never>?
    }

    private let configuration: KeyRingConfiguration
    private let keys: Mutex<Keys>
    /// Called with every change.
    private let onChange: @Sendable () -> Void
    private let metrics: SessionMetrics
    private let logger: Logger

    package convenience init(
        _ configuration: KeyRingConfiguration, metrics: SessionMetrics, logger: Logger
    ) throws(TokenKeyError) {
        try self.init(configuration, metrics: metrics, logger: logger, onChange: {})
    }

    init(
        _ configuration: KeyRingConfiguration, metrics: SessionMetrics, logger: Logger,
        onChange: @escaping @Sendable () -> Void
    ) throws(TokenKeyError) {
        let configured = try Self.keys(secrets: configuration.hmacSecrets, pems: configuration.publicKeys)
        self.configuration = configuration
        self.keys = Mutex(Keys(set: KeySet(configured), configured: configured))
        self.metrics = metrics
        self.logger = logger
        self.onChange = onChange
    }

    private static func keys(secrets: [String], pems: [String]) throws(TokenKeyError) -> [VerificationKey] {
        var keys: [VerificationKey] = []
        for secret in secrets { keys.append(try VerificationKey(secret: secret)) }
        for pem in pems { keys.append(try VerificationKey(pem: pem)) }
        return keys
    }

    /// Takes other keys of the configuration; those of a key set stay. With an error nothing has changed.
    func replace(hmacSecrets: [String], publicKeys: [String]) throws(TokenKeyError) {
        let configured = try Self.keys(secrets: hmacSecrets, pems: publicKeys)
        self.keys.withLock { keys in
            keys.configured = configured
            keys.set = KeySet(configured + keys.fetched)
        }
        self.onChange()
    }

    /// The keys in force.
    var set: KeySet { self.keys.withLock { $0.set } }

    /// Whether keys are published that may have to be fetched.
    var fetchesKeys: Bool { self.configuration.jwksURL != nil }

    /// Whether tokens can be judged: false until the key set was fetched once, where one is configured.
    package var isReady: Bool { !self.fetchesKeys || self.keys.withLock { $0.fetchedAt != nil } }

    /// Seconds since the key set was fetched, or nil where it never was.
    var age: Double? { self.keys.withLock { $0.fetchedAt }.map { Double(Clock.monotonic - $0) / 1e9 } }

    // MARK: - Judging

    func judge(_ parts: TokenParts) -> Finding { self.judge(parts, by: self.set) }

    func judge(_ parts: TokenParts, by set: KeySet) -> Finding {
        let candidates = set.candidates(parts.keyIdentifier, parts.algorithm)
        if candidates.contains(where: { $0.verifies(parts.signature, of: parts.message, by: parts.algorithm) }) {
            return .signed
        }
        return self.unverified(parts.keyIdentifier, in: set, hasCandidates: candidates.contains { _ in true })
    }

    /// No key fits: perhaps one was added since the key set was fetched.
    private func unverified(_ identifier: String?, in set: KeySet, hasCandidates: Bool) -> Finding {
        let final = Finding.rejected(hasCandidates ? .badSignature : .unknownKey)
        guard self.fetchesKeys else { return final }
        if let identifier, set.names(identifier) { return final }
        let now = Clock.monotonic
        let cooldown = self.configuration.jwksCooldown.nanoseconds
        return self.keys.withLock { keys in
            if keys.fetch != nil { return .keysNeeded }
            if let fetchedAt = keys.fetchedAt, now - fetchedAt < cooldown { return final }
            if let attemptedAt = keys.attemptedAt, now - attemptedAt < cooldown { return .rejected(.keysUnavailable) }
            return .keysNeeded
        }
    }

    // MARK: - Fetching

    /// Fetches the key set, unless that was tried a moment ago; all who ask at the same time wait for one fetch.
    package func refresh() async { await self.beginRefresh()?.value }

    /// The same, where a fetch was tried a moment ago, once the next may be: for who is given a token only once.
    func refreshWhenAllowed() async {
        let wait = self.keys.withLock { keys -> Int64 in
            guard keys.fetch == nil, let attemptedAt = keys.attemptedAt else { return 0 }
            return attemptedAt + self.configuration.jwksCooldown.nanoseconds - Clock.monotonic
        }
        if wait > 0 { try? await Task.sleep(for: .nanoseconds(wait)) }
        await self.refresh()
    }

    /// The same without waiting, for who cannot.
    package func refreshSoon() { _ = self.beginRefresh() }

    /// The same for a thread of one's own, which waits for as long as a fetch may take.
    func refreshAndBlock() {
        guard let fetch = self.beginRefresh() else { return }
        let done = DispatchSemaphore(value: 0)
        Task {
            await fetch.value
            done.signal()
        }
        _ = done.wait(timeout: .now() + self.configuration.jwksTimeout.inSeconds + 1)
    }

    private func beginRefresh() -> Task<Void, Never>? {
        guard let url = self.configuration.jwksURL else { return nil }
        let now = Clock.monotonic
        let cooldown = self.configuration.jwksCooldown.nanoseconds
        return self.keys.withLock { keys in
            if let fetch = keys.fetch { return fetch }
            if let attemptedAt = keys.attemptedAt, now - attemptedAt < cooldown { return nil }
            keys.attemptedAt = now
            // Not a child of the caller: others wait for it too. Its time-out bounds it.
            let fetch = Task { await self.fetch(url) }
            keys.fetch = fetch
            return fetch
        }
    }

    /// Fetches the key set now and then, until the node stops.
    package func run() async throws {
        guard self.fetchesKeys else { return try await gracefulShutdown() }
        await cancelWhenGracefulShutdown {
            var backoff = Backoff(base: self.configuration.jwksCooldown, ceiling: self.configuration.jwksInterval)
            while !Task.isCancelled {
                await self.refresh()
                let isGood = self.keys.withLock { $0.fetchedAt != nil && $0.fetchedAt == $0.attemptedAt }
                if isGood { backoff.reset() }
                // A failure is tried again soon; the old keys stay in force meanwhile.
                let wait = isGood ? self.configuration.jwksInterval : self.configuration.jwksCooldown + backoff.next()
                try? await Task.sleep(for: wait)
            }
        }
    }

    private func fetch(_ url: String) async {
        do {
            let call = HTTPCall(
                url: url, timeout: self.configuration.jwksTimeout, answerBytesMax: self.configuration.jwksBytesMax)
            let fetched = try KeySet.decode(Data(try await call.get()))
            self.keys.withLock { keys in
                keys.fetched = fetched
                keys.set = KeySet(keys.configured + fetched)
                // As with a failure, below.
                keys.attemptedAt = Clock.monotonic
                keys.fetchedAt = keys.attemptedAt
                keys.fetch = nil
            }
            self.onChange()
            self.metrics.keySetsFetched.add()
        } catch {
            self.keys.withLock { keys in
                // As long as it took, nobody must be made to wait for the next at once.
                keys.attemptedAt = Clock.monotonic
                keys.fetch = nil
            }
            self.metrics.keySetsFailed.add()
            self.logger.warning("The key set could not be fetched", metadata: ["url": "\(url)", "error": "\(error)"])
        }
    }
}
