// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// An event that ends a session, a user's sessions up to a time, a token, or all sessions with a claim value.
package struct Invalidation: Hashable, Sendable {
    package enum Target: Hashable, Sendable {
        /// `sid` of the tokens it ends.
        case session(String)
        /// `sub`, for tokens issued at or before `before` (whole seconds since 1970).
        case user(String, before: Int64)
        /// `jti` of the token it ends.
        case token(String)
        /// An indexed claim, for tokens issued at or before `before` (whole seconds since 1970).
        case claim(name: String, value: String, before: Int64)
    }

    /// Where it came from; the metric label of `martlet_invalidations_total`.
    package enum Source: String, Sendable {
        case kafka, redis, api, pull
    }

    package var id: String
    package var target: Target
    /// When it happened, in seconds since 1970; lag is measured from here.
    package var at: Double
    package var reason: String?
    package var source: Source

    package init(id: String, target: Target, at: Double, reason: String? = nil, source: Source) {
        self.id = id
        self.target = target
        self.at = at
        self.reason = reason
        self.source = source
    }

    package var closeReason: CloseReason {
        if self.source == .pull { return .validationFailed }
        return switch self.target {
        case .session: .sessionRevoked
        case .user: .userRevoked
        case .token: .tokenRevoked
        case .claim: .claimRevoked
        }
    }

    /// Whether a connection of this identity is one that the event ends. A tie in time is a match, and a token that
    /// does not say when it was issued counts as issued before everything.
    ///
    /// Names are the same where their bytes are, as they are for who remembers revocations: texts that only look alike
    /// are two.
    package func matches(_ identity: Identity) -> Bool {
        let names = identity.names
        return switch self.target {
        case .session(let session): Self.isSame(session, names.bytes, names.session)
        case .token(let token): Self.isSame(token, names.bytes, names.token)
        case .user(let user, let before):
            (identity.issuedAt ?? .min) <= before && Self.isSame(user, names.bytes, names.user)
        case .claim(let name, let value, let before):
            (identity.issuedAt ?? .min) <= before
                && identity.claims.contains {
                    $0.name.utf8.elementsEqual(name.utf8) && $0.value.utf8.elementsEqual(value.utf8)
                }
        }
    }

    private static func isSame(_ name: String, _ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        let name = name.utf8.span
        // An absent name is nobody's.
        guard name.count == range.count, !range.isEmpty else { return false }
        let other = bytes.span.extracting(range)
        for index in name.indices where name[index] != other[index] { return false }
        return true
    }
}
