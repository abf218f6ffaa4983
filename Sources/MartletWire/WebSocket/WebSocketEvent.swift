// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What the next frame of a connection is. Ranges lie in the bytes that were given, payloads unmasked; `end` is where
/// the frame after it begins.
package enum WebSocketEvent: Hashable, Sendable {
    /// The frame at the offset is not whole. It takes `total` bytes from the offset, as far as its header says so far;
    /// with fewer there is no use in asking again.
    case needMore(total: Int)
    /// A message in one frame; text is valid UTF-8.
    case message(WebSocketOpcode, payload: Range<Int>, end: Int)
    /// A part of a message: the opcode is text or binary for the first, continuation for the others.
    case fragment(WebSocketOpcode, payload: Range<Int>, isFinal: Bool, end: Int)
    case ping(payload: Range<Int>, end: Int)
    case pong(payload: Range<Int>, end: Int)
    /// No code where the frame was empty. After it no frame counts.
    case close(code: UInt16?, reason: Range<Int>, end: Int)
    /// The peer broke the protocol: close with this code. After it no frame counts.
    case violation(WebSocketViolation)
}
