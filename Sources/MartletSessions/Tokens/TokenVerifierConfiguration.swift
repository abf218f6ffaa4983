// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Keys of `auth` and `sessions` that say which tokens are accepted.
package struct TokenVerifierConfiguration: Sendable {
    /// Secrets for HS256, HS384 and HS512; several while they are rotated.
    package var hmacSecrets: [String] = []
    /// PEM of RSA, EC (P-256, P-384, P-521) or Ed25519 public keys.
    package var publicKeys: [String] = []
    package var jwksURL: String?
    /// Time between fetches of the key set.
    package var jwksInterval: Duration = .seconds(300)
    /// Least time between fetches, however many tokens name unknown keys.
    package var jwksCooldown: Duration = .seconds(5)
    package var jwksTimeout: Duration = .seconds(5)
    package var jwksBytesMax = 262_144
    /// `iss` that tokens must have; nil accepts any.
    package var issuer: String?
    /// `aud`: tokens must have one of these; empty accepts any.
    package var audiences: [String] = []
    /// How far the clocks of issuer and node may differ.
    package var leeway: Duration = .seconds(60)
    /// Claims that invalidations may name.
    package var claims: [String] = []
    package var unboundedTokens: UnboundedTokens = .allow
    package var tokenLifetimeMax: Duration = .seconds(86_400)
    package var tokenBytesMax = 16_384
    /// Verified tokens that are remembered, for algorithms where verifying costs much more than looking up.
    package var cacheMax = 16_384

    package init() {}

    /// Whether there is any key, so that clients can be told apart at all.
    package var hasKeys: Bool { !self.hmacSecrets.isEmpty || !self.publicKeys.isEmpty || self.jwksURL != nil }
}
