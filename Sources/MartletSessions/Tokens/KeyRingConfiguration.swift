// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Where an issuer's keys come from.
package struct KeyRingConfiguration: Sendable, Hashable {
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

    package init() {}
}
