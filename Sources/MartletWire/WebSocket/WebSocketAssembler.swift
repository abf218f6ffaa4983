// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// Joins the fragments of a message. It holds memory only while a message is incomplete, and no more than the decoder's
/// bound of a message.
package struct WebSocketAssembler: Sendable {
    /// A message whose last fragment has come.
    package struct Message: Hashable, Sendable {
        package var opcode: WebSocketOpcode
        package var payload: [UInt8]
    }

    private var opcode = WebSocketOpcode.text
    private var payload: [UInt8] = []

    package init() {}

    /// Takes what a `.fragment` event said, and returns the message when it is complete.
    package mutating func append(_ opcode: WebSocketOpcode, _ payload: Span<UInt8>, isFinal: Bool) -> Message? {
        if opcode != .continuation {
            self.opcode = opcode
            self.payload = []
        }
        self.payload.append(copying: payload)
        guard isFinal else { return nil }
        defer { self.payload = [] }
        return Message(opcode: self.opcode, payload: self.payload)
    }
}
