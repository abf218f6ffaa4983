// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletProtocol

/// Which tokens of an identity provider are believed when they say that a session has ended.
package struct EventTokenConfiguration: Sendable {
    package var kind: EventTokenKind
    /// `iss` that tokens must have; nil accepts any.
    package var issuer: String?
    /// `aud`: tokens must have one of these; empty accepts any.
    package var audiences: [String] = []
    /// Whether a token is refused whose key is not known. Otherwise, in a topic, write access is the trust: keys rotate
    /// faster than a topic forgets.
    package var isStrict = false
    /// How far the clocks of issuer and node may differ.
    package var leeway: Duration = .seconds(60)
    package var tokenBytesMax = 65_536

    package init(_ kind: EventTokenKind) { self.kind = kind }
}
