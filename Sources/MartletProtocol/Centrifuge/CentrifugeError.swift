// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The errors that a reply, or an answer of the API, may carry.
package enum CentrifugeError: UInt32, CaseIterable, Error, Sendable {
    case internalError = 100
    case unauthorized = 101
    case unknownChannel = 102
    case permissionDenied = 103
    case methodNotFound = 104
    case alreadySubscribed = 105
    case limitExceeded = 106
    case badRequest = 107
    case notAvailable = 108
    /// Not temporary by its flag, but clients fetch a fresh token and come back.
    case tokenExpired = 109
    case expired = 110
    case tooManyRequests = 111
    case unrecoverablePosition = 112
    case concurrentPagination = 113

    package var code: UInt32 { self.rawValue }

    package var text: String {
        switch self {
        case .internalError: "internal server error"
        case .unauthorized: "unauthorized"
        case .unknownChannel: "unknown channel"
        case .permissionDenied: "permission denied"
        case .methodNotFound: "method not found"
        case .alreadySubscribed: "already subscribed"
        case .limitExceeded: "limit exceeded"
        case .badRequest: "bad request"
        case .notAvailable: "not available"
        case .tokenExpired: "token expired"
        case .expired: "expired"
        case .tooManyRequests: "too many requests"
        case .unrecoverablePosition: "unrecoverable position"
        case .concurrentPagination: "concurrent pagination"
        }
    }

    /// Whether the client may simply try again.
    package var isTemporary: Bool {
        switch self {
        case .internalError, .tooManyRequests, .concurrentPagination: true
        default: false
        }
    }
}
