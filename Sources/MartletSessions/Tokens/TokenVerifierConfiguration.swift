// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Keys of `auth` and `sessions` that say which tokens are accepted.
@dynamicMemberLookup
package struct TokenVerifierConfiguration: Sendable {
    package var keys = KeyRingConfiguration()
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

    /// Whether identities carry their tokens, for an authority that must be shown them.
    package var keepsTokens = false

    package init() {}

    /// Where the keys come from, as if it stood here.
    package subscript<Value>(dynamicMember path: WritableKeyPath<KeyRingConfiguration, Value>) -> Value {
        get { self.keys[keyPath: path] }
        set { self.keys[keyPath: path] = newValue }
    }

    /// Whether there is any key, so that clients can be told apart at all.
    package var hasKeys: Bool { !self.hmacSecrets.isEmpty || !self.publicKeys.isEmpty || self.jwksURL != nil }
}
