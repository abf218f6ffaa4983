// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Why a record of a revocation topic, or a token that was delivered, could not be taken; the metric label of
/// `martlet_invalidations_bad_total`.
package enum BadRecordReason: String, CaseIterable, Error, Sendable {
    /// No value, which only a table of sessions gives a meaning.
    case nullValue = "null_value"
    /// No key, in a table of sessions.
    case nullKey = "null_key"
    case malformed = "malformed"
    case unknownVersion = "unknown_version"
    case unknownType = "unknown_type"
    /// An attribute that CloudEvents requires, or a claim that the token's kind does.
    case missingAttribute = "missing_attribute"
    /// An envelope around something that is not JSON.
    case unsupportedContent = "unsupported_content"
    /// The field that the type asks for is not there.
    case missingTarget = "missing_target"
    /// A subject of a kind that no token of a connection names.
    case unsupportedSubject = "unsupported_subject"
    /// It is there and empty, which would match nobody or everybody.
    case emptyValue = "empty_value"
    case wrongFieldType = "wrong_field_type"
    /// No time, or one so late that it must be milliseconds.
    case badTime = "bad_time"
    case tooLong = "too_long"

    // Of tokens alone.
    /// `typ` says that it is a token for something else.
    case wrongTokenType = "wrong_token_type"
    /// A logout token that could be taken for an ID token.
    case unexpectedNonce = "unexpected_nonce"
    case unsupportedAlgorithm = "unsupported_algorithm"
    case unknownKey = "unknown_key"
    case keysUnavailable = "keys_unavailable"
    case badSignature = "bad_signature"
    case wrongIssuer = "wrong_issuer"
    case wrongAudience = "wrong_audience"
    case expired = "expired"
    case notYetValid = "not_yet_valid"
}
