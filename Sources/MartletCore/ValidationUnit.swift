// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What an authority is asked about, and so what counts as one however many connections it has.
package enum ValidationUnit: Sendable {
    /// The session, by whatever names it (`Identity.sessionKey`).
    case session
    /// The token, by its `jti`.
    case token
    /// The token itself, which the node must keep.
    case credential

    /// What stands for an identity; nil for one that cannot be asked about.
    package func key(of identity: Identity) -> String? {
        guard !identity.isAnonymous else { return nil }
        return switch self {
        case .session: identity.sessionKey
        case .token: identity.token
        case .credential: identity.credential == nil ? nil : identity.token ?? identity.sessionKey
        }
    }

    /// What ends exactly what was asked about, as far as the token lets it be named.
    package func target(of identity: Identity) -> Invalidation.Target {
        if self == .session, let session = identity.session { return .session(session) }
        if let token = identity.token { return .token(token) }
        if let session = identity.session { return .session(session) }
        // A token that does not say when it was issued counts as issued before everything.
        return .user(identity.user, before: identity.issuedAt ?? 0)
    }
}
