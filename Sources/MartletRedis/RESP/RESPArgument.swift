// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// One argument of a command.
package enum RESPArgument: Hashable, Sendable, ExpressibleByStringLiteral {
    case text(String)
    case bytes([UInt8])

    package init(stringLiteral value: String) { self = .text(value) }

    package var count: Int {
        switch self {
        case .text(let text): text.utf8.count
        case .bytes(let bytes): bytes.count
        }
    }
}
