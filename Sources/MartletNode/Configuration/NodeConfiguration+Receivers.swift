// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore
import MartletProtocol

extension NodeConfiguration {
    /// Where identity providers deliver tokens that say that a session has ended.
    package struct Receivers: Sendable {
        /// A listener for nothing else; nil for none.
        package var address: PeerAddress?
        package var securityEvents = Receiver()
        package var logout = Receiver()

        package struct Receiver: Sendable {
            package var isEnabled = false
            package var tokens = TokenSource()
            /// Of which one who delivers must know one, in `Authorization: Bearer`; empty asks for none.
            package var bearers: [String] = []
        }

        subscript(kind: EventTokenKind) -> Receiver {
            get { kind == .securityEvent ? self.securityEvents : self.logout }
            set { if kind == .securityEvent { self.securityEvents = newValue } else { self.logout = newValue } }
        }

        package var isEnabled: Bool { self.securityEvents.isEnabled || self.logout.isEnabled }
    }

    static let receiverKeys: [Key] =
        [
            .optional(
                "receivers.listen", \.receivers.address, .address, absent: "none: on `listen.internal` alone",
                "An address of their own for the receivers, where nothing else is served, for identity providers that "
                    + "cannot reach `listen.internal`. Terminate TLS in front of it.")
        ]
        + Self.receiverKeys(
            "security_events", .securityEvent,
            "`POST /security-events` takes security event tokens (RFC 8417) by push delivery (RFC 8935).")
        + [
            .list(
                "receivers.security_events.tokens", \.receivers.securityEvents.bearers, .text,
                absent: "none: the tokens' signatures suffice",
                "What a transmitter must send as `Authorization: Bearer`, one of these."
            ).secret
        ]
        + Self.receiverKeys(
            "logout", .logout,
            "`POST /backchannel-logout` takes logout tokens of OpenID Connect Back-Channel Logout.")

    private static func receiverKeys(
        _ name: String, _ kind: EventTokenKind, _ summary: String
    ) -> [Key] {
        let prefix = "receivers.\(name)."
        return [
            .value(
                prefix + "enabled", \.receivers[kind].isEnabled, .boolean, in: NodeConfiguration(),
                "Whether \(summary)"),
            .optional(
                prefix + "issuer", \.receivers[kind].tokens.issuer, .text, absent: "`auth.issuer`",
                "What `iss` must be."),
            .list(
                prefix + "audience", \.receivers[kind].tokens.audiences, .text, absent: "`auth.audience`",
                "What `aud` must contain one of."),
            .optional(
                prefix + "jwks_url", \.receivers[kind].tokens.jwksURL, .url("https", "http"),
                absent: "the keys of `auth`", "Where the issuer publishes its keys (JWKS)."),
            .list(
                prefix + "public_keys", \.receivers[kind].tokens.publicKeys, .pem,
                "The issuer's keys: PEM text, or the path of a file that holds it."),
        ]
    }
}
