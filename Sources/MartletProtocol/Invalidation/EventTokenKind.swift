// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The tokens by which an identity provider says that a session has ended.
package enum EventTokenKind: String, CaseIterable, Sendable {
    /// RFC 8417.
    case securityEvent = "security_event"
    /// OpenID Connect Back-Channel Logout 1.0, section 2.4.
    case logout = "logout"

    /// Whether a token that calls itself so can be of this kind. Many providers do not say what theirs are for, and
    /// `events` tells them from tokens that grant something; but one that says it is for something else is not ours.
    package func admits(type: String?) -> Bool {
        guard let type = type?.lowercased() else { return true }
        let own = self == .securityEvent ? "secevent+jwt" : "logout+jwt"
        return type == own || type == "application/\(own)" || type == "jwt"
    }
}
