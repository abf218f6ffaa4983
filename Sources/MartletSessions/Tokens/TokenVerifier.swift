// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Crypto
package import Logging
import MartletCore
import MartletInstruments
import ServiceLifecycle

/// Says who a token stands for.
///
/// `verify` is called on a shard's thread for every connect, so it neither waits nor allocates much: signatures are
/// checked by the primitives, claims read in place. JWTKit reads key sets, which come rarely and off that thread.
package final class TokenVerifier: Sendable {
    private let configuration: TokenVerifierConfiguration
    /// The keys that tokens are judged by, which those of identity providers' events may share.
    package let keys: KeyRing
    private let verified: VerifiedTokens
    private let metrics: SessionMetrics
    private let leeway: Int64
    private let lifetimeMax: Int64

    package init(
        _ configuration: TokenVerifierConfiguration, metrics: SessionMetrics, logger: Logger
    ) throws(TokenKeyError) {
        let verified = VerifiedTokens(max: configuration.cacheMax)
        self.configuration = configuration
        self.verified = verified
        // A token must not be accepted for a key that is no longer there.
        self.keys = try KeyRing(configuration.keys, metrics: metrics, logger: logger) { verified.removeAll() }
        self.metrics = metrics
        self.leeway = configuration.leeway.components.seconds
        self.lifetimeMax = configuration.tokenLifetimeMax.components.seconds
    }

    /// Takes other keys of the configuration; those of a key set stay. With an error nothing has changed.
    package func replaceKeys(hmacSecrets: [String], publicKeys: [String]) throws(TokenKeyError) {
        try self.keys.replace(hmacSecrets: hmacSecrets, publicKeys: publicKeys)
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
        let set = self.keys.set
        let isCostly = set.candidates(parts.keyIdentifier, parts.algorithm).contains { $0.isCostly }
        let digest = isCostly ? SHA256.hash(data: parts.bytes) : nil
        if let digest, let identity = self.verified.identity(for: digest, now: now) { return .verified(identity) }
        switch self.keys.judge(parts, by: set) {
        case .rejected(let rejection): return .rejected(rejection)
        case .keysNeeded: return .keysNeeded
        case .signed: break
        }
        guard let payload = parts.payload,
            let claims = TokenClaims(payload, for: .connection, indexing: self.configuration.claims),
            // A token for one channel is not one for everything.
            claims.channel.isEmpty
        else { return .rejected(.malformed) }
        if let rejection = self.objection(to: claims, now: now) ?? self.lifetimeObjection(to: claims) {
            return .rejected(rejection)
        }
        let identity = Identity(claims, credential: self.configuration.keepsTokens ? Array(token.utf8) : nil)
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
        switch self.keys.judge(parts) {
        case .rejected(let rejection): return .rejected(rejection)
        case .keysNeeded: return .keysNeeded
        case .signed: break
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
    package var fetchesKeys: Bool { self.keys.fetchesKeys }

    /// Whether tokens can be judged: false until the key set was fetched once, where one is configured.
    package var isReady: Bool { self.keys.isReady }

    /// Seconds since the key set was fetched, or nil where it never was.
    package var keySetAge: Double? { self.keys.age }

    /// Fetches the key set, unless that was tried a moment ago; all who ask at the same time wait for one fetch.
    package func refreshKeys() async { await self.keys.refresh() }

    /// Fetches the key set now and then, until the node stops.
    package func run() async throws { try await self.keys.run() }
}

extension Identity {
    fileprivate convenience init(_ claims: TokenClaims, credential: [UInt8]?) {
        self.init(
            user: claims.user, session: claims.session, token: claims.token, issuedAt: claims.issuedAt,
            expiresAt: claims.end, claims: claims.indexed, channels: claims.channels,
            subscriptions: claims.subscriptions, info: claims.info, meta: claims.meta,
            credential: credential)
    }
}
