// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// How a peer broke RFC 6455.
package enum WebSocketViolation: String, CaseIterable, Hashable, Sendable {
    case reservedBits = "a reserved bit is set"
    case reservedOpcode = "the opcode is reserved"
    case fragmentedControl = "a control frame is fragmented"
    case longControl = "a control frame is longer than 125 bytes"
    case notMasked = "a frame of a client is not masked"
    case masked = "a frame of a server is masked"
    case longLength = "a length is not in its shortest form"
    case hugeLength = "a length has its highest bit set"
    case unexpectedContinuation = "a continuation continues nothing"
    case expectedContinuation = "a message began within another"
    case closeCode = "the close code is not allowed"
    case closeLength = "a close frame has a payload of one byte"
    case closeReason = "the close reason is not UTF-8"
    case text = "a text message is not UTF-8"
    case tooBig = "the message is too big"

    /// The close code it is answered with (RFC 6455 section 7.4.1).
    package var code: UInt16 {
        switch self {
        case .closeReason, .text: 1007
        case .tooBig: 1009
        default: 1002
        }
    }

    /// The close reason it is answered with.
    package var reason: String { self.rawValue }
}
