// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// How the records of a topic say that a session has ended.
package enum InvalidationFormat: String, CaseIterable, Sendable {
    /// One JSON object a record, as `InvalidationDecoder.martlet` reads it.
    case martlet
    /// The same object in an envelope of CloudEvents 1.0, structured or in the record's headers.
    case cloudEvents = "cloudevents"
    /// Security event tokens (RFC 8417) that say `session-revoked`.
    case securityEvents = "set"
    /// Logout tokens of OpenID Connect Back-Channel Logout 1.0.
    case logoutTokens = "logout-token"
    /// A compacted table keyed by session, as change data capture writes it.
    case sessionTable = "session-table"

    /// The tokens that its records are, where they are tokens.
    package var tokenKind: EventTokenKind? {
        switch self {
        case .securityEvents: .securityEvent
        case .logoutTokens: .logout
        case .martlet, .cloudEvents, .sessionTable: nil
        }
    }
}
