// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
package import Logging
import MartletCore
import MartletHTTP
import MartletInstruments
import ServiceLifecycle
import Synchronization

/// Says who a token stands for.
///
/// `verify` is called on a shard's thread for every connect, so it neither waits nor allocates much: signatures are
/// checked by the primitives, claims read in place. JWTKit reads key sets, which come rarely and off that thread.
package final class TokenVerifier: Sendable {
    private struct Keys {
        var set: KeySet
        /// Those of the configuration, and those of the last key set.
        var configured: [VerificationKey]
        var fetched: [VerificationKey] = []
        /// `Clock.monotonic` of the last fetch that began, and of the last that succeeded.
        var attemptedAt: Int64?
        var fetchedAt: Int64?
        var fetch: Task<Void, Never>?
    }

    private let configuration: TokenVerifierConfiguration
    private let keys: Mutex<Keys>
    private let verified: VerifiedTokens
    private let metrics: SessionMetrics
    private let logger: Logger
    private let leeway: Int64
    private let lifetimeMax: Int64

    package init(
        _ configuration: TokenVerifierConfiguration, metrics: SessionMetrics, logger: Logger
    ) throws(TokenKeyError) {
        let configured = try Self.keys(secrets: configuration.hmacSecrets, pems: configuration.publicKeys)
        self.configuration = configuration
        self.keys = Mutex(Keys(set: KeySet(configured), configured: configured))
        self.verified = VerifiedTokens(max: configuration.cacheMax)
        self.metrics = metrics
        self.logger = logger
        self.leeway = configuration.leeway.components.seconds
        self.lifetimeMax = configuration.tokenLifetimeMax.components.seconds
    }

    private static func keys(secrets: [String], pems: [String]) throws(TokenKeyError) -> [VerificationKey] {
        var keys: [VerificationKey] = []
        for secret in secrets { keys.append(try VerificationKey(secret: secret)) }
        for pem in pems { keys.append(try VerificationKey(pem: pem)) }
        return keys
    }

    /// Takes other keys of the configuration; those of a key set stay. With an error nothing has changed.
    package func replaceKeys(hmacSecrets: [String], publicKeys: [String]) throws(TokenKeyError) {
        let configured = try Self.keys(secrets: hmacSecrets, pems: publicKeys)
        self.keys.withLock { keys in
            keys.configured = configured
            keys.set = KeySet(configured + keys.fetched)
        }
        // A token must not be accepted for a key that is no longer there.
        self.verified.removeAll()
    }

    /// How many tokens need not be verified again.
    package var rememberedTokens: Int { self.verified.count }

    /// Judges a connection token.
    ///
    /// - Parameter now: Seconds since 1970.
    package func verify(_ token: String, now: Double = Clock.wall) -> TokenVerdict {
        let verdict = self.judge(token, now: now)
        switch verdict {
        case .verified: self.metrics.tokensVerified.add()
        case .rejected(let rejection): self.metrics.rejected(rejection)
        case .keysNeeded: break
        }
        return verdict
    }

    /// Judges a token for one channel.
    package func verifySubscription(_ token: String, now: Double = Clock.wall) -> SubscriptionTokenVerdict {
        let verdict = self.judgeSubscription(token, now: now)
        switch verdict {
        case .verified: self.metrics.tokensVerified.add()
        case .rejected(let rejection): self.metrics.rejected(rejection)
        case .keysNeeded: break
        }
        return verdict
    }

    private func judge(_ token: String, now: Double) -> TokenVerdict {
        let parts: TokenParts
        do { parts = try TokenParts(token, bytesMax: self.configuration.tokenBytesMax) } catch {
            return .rejected(error)
        }
        // Before the keys: what is verified by keys that are replaced meanwhile must not be remembered beyond them.
        let generation = self.verified.generation
        let set = self.keys.withLock { $0.set }
        let isCostly = set.candidates(parts.keyIdentifier, parts.algorithm).contains { $0.isCostly }
        let digest = isCostly ? SHA256.hash(data: parts.bytes) : nil
        if let digest, let identity = self.verified.identity(for: digest, now: now) { return .verified(identity) }
        if let objection = self.objection(to: parts, by: set) { return objection }
        guard let payload = parts.payload,
            let claims = TokenClaims(payload, for: .connection, indexing: self.configuration.claims),
            // A token for one channel is not one for everything.
            claims.channel.isEmpty
        else { return .rejected(.malformed) }
        if let rejection = self.objection(to: claims, now: now) ?? self.lifetimeObjection(to: claims) {
            return .rejected(rejection)
        }
        let identity = Identity(claims)
        if let digest {
            let end = claims.expiresAt.map { $0 + self.leeway + 1 }
            self.verified.insert(.init(identity: identity, end: end), for: digest, generation: generation)
        }
        return .verified(identity)
    }

    private func judgeSubscription(_ token: String, now: Double) -> SubscriptionTokenVerdict {
        let parts: TokenParts
        do { parts = try TokenParts(token, bytesMax: self.configuration.tokenBytesMax) } catch {
            return .rejected(error)
        }
        switch self.objection(to: parts, by: self.keys.withLock { $0.set }) {
        case .rejected(let rejection): return .rejected(rejection)
        case .keysNeeded: return .keysNeeded
        case .verified, nil: break
        }
        guard let payload = parts.payload, let claims = TokenClaims(payload, for: .subscription, indexing: []),
            !claims.channel.isEmpty
        else { return .rejected(.malformed) }
        if let rejection = self.objection(to: claims, now: now) { return .rejected(rejection) }
        return .verified(
            SubscriptionToken(
                user: claims.user, channel: claims.channel, client: claims.client, info: claims.info,
                expiresAt: claims.end, overrides: claims.overrides))
    }

    /// What there is against a token before its claims are read; nil where a key in force has signed it.
    private func objection(to parts: TokenParts, by set: KeySet) -> TokenVerdict? {
        let candidates = set.candidates(parts.keyIdentifier, parts.algorithm)
        if candidates.contains(where: { $0.verifies(parts.signature, of: parts.message, by: parts.algorithm) }) {
            return nil
        }
        return self.unverified(parts.keyIdentifier, in: set, hasCandidates: candidates.contains { _ in true })
    }

    /// No key fits: perhaps one was added since the key set was fetched.
    private func unverified(_ identifier: String?, in set: KeySet, hasCandidates: Bool) -> TokenVerdict {
        guard self.configuration.jwksURL != nil else {
            return .rejected(hasCandidates ? .badSignature : .unknownKey)
        }
        if let identifier, set.names(identifier) { return .rejected(hasCandidates ? .badSignature : .unknownKey) }
        let now = Clock.monotonic
        let cooldown = self.configuration.jwksCooldown.nanoseconds
        return self.keys.withLock { keys in
            if keys.fetch != nil { return .keysNeeded }
            if let fetchedAt = keys.fetchedAt, now - fetchedAt < cooldown {
                return .rejected(hasCandidates ? .badSignature : .unknownKey)
            }
            if let attemptedAt = keys.attemptedAt, now - attemptedAt < cooldown { return .rejected(.keysUnavailable) }
            return .keysNeeded
        }
    }

    /// What the claims of a token with a good signature still have against them.
    private func objection(to claims: TokenClaims, now: Double) -> TokenRejection? {
        let (now, leeway) = (Int64(now.rounded(.down)), self.leeway)
        if let expiresAt = claims.expiresAt, now > expiresAt + leeway { return .expired }
        if let notBefore = claims.notBefore, notBefore > now + leeway { return .notYetValid }
        // A token of the future would outlive the memory of its revocation.
        if let issuedAt = claims.issuedAt, issuedAt > now + leeway { return .notYetValid }
        if let issuer = self.configuration.issuer, claims.issuer != issuer { return .wrongIssuer }
        let audiences = self.configuration.audiences
        if !audiences.isEmpty, !claims.audiences.contains(where: audiences.contains) { return .wrongAudience }
        return nil
    }

    /// A revocation must be remembered for as long as the tokens live that it may match.
    private func lifetimeObjection(to claims: TokenClaims) -> TokenRejection? {
        guard self.configuration.unboundedTokens == .refuse else { return nil }
        guard let issuedAt = claims.issuedAt else { return .unbounded(claim: "iat") }
        guard let expiresAt = claims.expiresAt, expiresAt - issuedAt <= self.lifetimeMax else {
            return .unbounded(claim: "exp")
        }
        return nil
    }
}

// MARK: - The key set

extension TokenVerifier: Service {
    /// Whether a verdict can be `keysNeeded`.
    package var fetchesKeys: Bool { self.configuration.jwksURL != nil }

    /// Whether tokens can be judged: false until the key set was fetched once, where one is configured.
    package var isReady: Bool {
        self.configuration.jwksURL == nil || self.keys.withLock { $0.fetchedAt != nil }
    }

    /// Seconds since the key set was fetched, or nil where it never was.
    package var keySetAge: Double? {
        self.keys.withLock { $0.fetchedAt }.map { Double(Clock.monotonic - $0) / 1e9 }
    }

    /// Fetches the key set, unless that was tried a moment ago; all who ask at the same time wait for one fetch.
    package func refreshKeys() async {
        guard let url = self.configuration.jwksURL else { return }
        let now = Clock.monotonic
        let cooldown = self.configuration.jwksCooldown.nanoseconds
        let fetch = self.keys.withLock { keys -> Task<Void, Never>? in
            if let fetch = keys.fetch { return fetch }
            if let attemptedAt = keys.attemptedAt, now - attemptedAt < cooldown { return nil }
            keys.attemptedAt = now
            // Not a child of the caller: others wait for it too. Its time-out bounds it.
            let fetch = Task { await self.fetchKeys(url) }
            keys.fetch = fetch
            return fetch
        }
        await fetch?.value
    }

    /// Fetches the key set now and then, until the node stops.
    package func run() async throws {
        guard self.configuration.jwksURL != nil else { return try await gracefulShutdown() }
        await cancelWhenGracefulShutdown {
            var backoff = Backoff(base: self.configuration.jwksCooldown, ceiling: self.configuration.jwksInterval)
            while !Task.isCancelled {
                await self.refreshKeys()
                let isGood = self.keys.withLock { $0.fetchedAt != nil && $0.fetchedAt == $0.attemptedAt }
                if isGood { backoff.reset() }
                // A failure is tried again soon; the old keys stay in force meanwhile.
                let wait = isGood ? self.configuration.jwksInterval : self.configuration.jwksCooldown + backoff.next()
                try? await Task.sleep(for: wait)
            }
        }
    }

    private func fetchKeys(_ url: String) async {
        do {
            let call = HTTPCall(
                url: url, timeout: self.configuration.jwksTimeout, answerBytesMax: self.configuration.jwksBytesMax)
            let fetched = try KeySet.decode(Data(try await call.get()))
            self.keys.withLock { keys in
                keys.fetched = fetched
                keys.set = KeySet(keys.configured + fetched)
                keys.fetchedAt = keys.attemptedAt
                keys.fetch = nil
            }
            // A token must not be accepted for a key that is no longer there.
            self.verified.removeAll()
            self.metrics.keySetsFetched.add()
        } catch {
            self.keys.withLock { $0.fetch = nil }
            self.metrics.keySetsFailed.add()
            self.logger.warning("The key set could not be fetched", metadata: ["url": "\(url)", "error": "\(error)"])
        }
    }
}

extension Identity {
    fileprivate convenience init(_ claims: TokenClaims) {
        self.init(
            user: claims.user, session: claims.session, token: claims.token, issuedAt: claims.issuedAt,
            expiresAt: claims.end, claims: claims.indexed, channels: claims.channels,
            subscriptions: claims.subscriptions, info: claims.info, meta: claims.meta)
    }
}
