// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Why a token was not accepted.
package enum TokenRejection: Error, Hashable, Sendable {
    case tooLong
    case malformed
    case unsupportedAlgorithm
    /// No key has the token's `kid`, or none allows its algorithm.
    case unknownKey
    /// The keys could not be fetched; a later attempt may succeed with the same token.
    case keysUnavailable
    case badSignature
    case expired
    case notYetValid
    case wrongIssuer
    case wrongAudience
    /// A revocation could not be remembered for as long as the token lives, because of this claim.
    case unbounded(claim: String)

    /// The metric label.
    package var name: String {
        switch self {
        case .tooLong: "too_long"
        case .malformed: "malformed"
        case .unsupportedAlgorithm: "unsupported_algorithm"
        case .unknownKey: "unknown_key"
        case .keysUnavailable: "keys_unavailable"
        case .badSignature: "bad_signature"
        case .expired: "expired"
        case .notYetValid: "not_yet_valid"
        case .wrongIssuer: "wrong_issuer"
        case .wrongAudience: "wrong_audience"
        case .unbounded: "unbounded"
        }
    }

    /// For the client and the log; says nothing that is in the token.
    package var text: String {
        switch self {
        case .tooLong: "token too long"
        case .malformed: "malformed token"
        case .unsupportedAlgorithm: "token algorithm not supported"
        case .unknownKey: "token signed with an unknown key"
        case .keysUnavailable: "token keys not available"
        case .badSignature: "token signature invalid"
        case .expired: "token expired"
        case .notYetValid: "token not yet valid"
        case .wrongIssuer: "token issuer not accepted"
        case .wrongAudience: "token audience not accepted"
        case .unbounded(let claim): "token without a bounded life: claim \(claim)"
        }
    }
}
