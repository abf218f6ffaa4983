// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Why the server ends a connection: the one table of codes, names and texts.
///
/// The name is the metric label. The code is the WebSocket close code (RFC 6455 section 7.4) and the Centrifuge
/// disconnect code; what lies in 3000...3499, 4000...4499 and 5000 or above tells a client to come back,
/// 3500...3999 and 4500...4999 that it must not.
package enum CloseReason: String, CaseIterable, Sendable {
    /// The peer closed first, or the connection broke.
    case peerClosed = "peer_closed"
    case connectionClosed = "connection_closed"
    case shutdown = "shutdown"
    case internalError = "internal_error"
    case connectionExpired = "connection_expired"
    case subscriptionExpired = "subscription_expired"
    case slow = "slow"
    case writeError = "write_error"
    case insufficientState = "insufficient_state"
    case forceReconnect = "force_reconnect"
    case noPong = "no_pong"
    case tooManyRequests = "too_many_requests"
    /// What the client holds is worth nothing any more: it drops its token and its positions and begins anew.
    case stateInvalidated = "state_invalidated"
    case invalidToken = "invalid_token"
    case badRequest = "bad_request"
    case stale = "stale"
    case forceDisconnect = "force_disconnect"
    case connectionLimit = "connection_limit"
    case channelLimit = "channel_limit"
    case inappropriateProtocol = "inappropriate_protocol"
    case permissionDenied = "permission_denied"
    case notAvailable = "not_available"
    case validationUnavailable = "validation_unavailable"
    case rebalance = "rebalance"
    case sessionRevoked = "session_revoked"
    case userRevoked = "user_revoked"
    case tokenRevoked = "token_revoked"
    case claimRevoked = "claim_revoked"
    case validationFailed = "validation_failed"
    /// A code of the application's own, which its back-end chose.
    case application = "application"
    /// A frame broke RFC 6455.
    case protocolError = "protocol_error"
    case invalidPayload = "invalid_payload"
    case messageTooBig = "message_too_big"
    case unsupportedData = "unsupported_data"
    /// A plain WebSocket of a node that drains (RFC 6455 section 7.4.1 leaves 1012 to the registry: service restart).
    case serviceRestart = "service_restart"
    /// The head of the request, or the body it announced, did not come in time.
    case handshakeTimeout = "handshake_timeout"
    /// The request was answered and the connection had no further use.
    case answered = "answered"

    /// The close code on the wire.
    package var code: UInt16 {
        switch self {
        case .peerClosed, .answered, .handshakeTimeout: 1000
        case .connectionClosed: 3000
        case .shutdown: 3001
        case .internalError: 3004
        case .connectionExpired: 3005
        case .subscriptionExpired: 3006
        case .slow: 3008
        case .writeError: 3009
        case .insufficientState: 3010
        case .forceReconnect: 3011
        case .noPong: 3012
        case .tooManyRequests: 3013
        case .stateInvalidated: 3014
        case .invalidToken: 3500
        case .badRequest: 3501
        case .stale: 3502
        case .forceDisconnect: 3503
        case .connectionLimit: 3504
        case .channelLimit: 3505
        case .inappropriateProtocol: 3506
        case .permissionDenied: 3507
        case .notAvailable: 3508
        case .validationUnavailable: 4000
        case .rebalance: 4001
        case .sessionRevoked: 4500
        case .userRevoked: 4501
        case .tokenRevoked: 4502
        case .validationFailed: 4503
        case .claimRevoked: 4504
        case .application: 4999
        case .protocolError: 1002
        case .unsupportedData: 1003
        case .invalidPayload: 1007
        case .messageTooBig: 1009
        case .serviceRestart: 1012
        }
    }

    /// Whether a client that obeys the code may connect again with what it has.
    package var mayReconnect: Bool { Self.mayReconnect(after: self.code) }

    package static func mayReconnect(after code: UInt16) -> Bool {
        switch code {
        case 3500...3999, 4500...4999, 1009: false
        default: true
        }
    }

    /// The text that goes with the code: plain, below 123 bytes (RFC 6455 section 5.5).
    package var text: String {
        switch self {
        case .serviceRestart: "service restart"
        default: self.rawValue.split(separator: "_").joined(separator: " ")
        }
    }
}
