// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Why a record of a revocation topic could not be read; the metric label of `martlet_invalidations_bad_total`.
package enum BadRecordReason: String, CaseIterable, Error, Sendable {
    /// No value, which only a table of sessions gives a meaning.
    case nullValue = "null_value"
    case malformed = "malformed"
    case unknownVersion = "unknown_version"
    case unknownType = "unknown_type"
    /// The field that the type asks for is not there.
    case missingTarget = "missing_target"
    /// It is there and empty, which would match nobody or everybody.
    case emptyValue = "empty_value"
    case wrongFieldType = "wrong_field_type"
    /// No time, or one so late that it must be milliseconds.
    case badTime = "bad_time"
    case tooLong = "too_long"
}
