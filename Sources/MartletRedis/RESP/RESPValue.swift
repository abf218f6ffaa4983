// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A reply in version 2 of Redis' protocol.
package enum RESPValue: Hashable, Sendable {
    case status(String)
    case error(String)
    case integer(Int64)
    case bytes([UInt8])
    case null
    case array([RESPValue])

    /// A bulk string or a status as text.
    package var text: String? {
        switch self {
        case .status(let text): text
        case .bytes(let bytes): String(validating: bytes, as: UTF8.self)
        case .error, .integer, .null, .array: nil
        }
    }
}
