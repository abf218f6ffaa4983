// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Reads the frames of one direction of a connection (RFC 6455), in place.
///
/// What is kept between frames is a few bytes: which message is incomplete, its size so far, and where in a character
/// its text was cut. The payload of a frame is unmasked where it lies, when all of it is there; a frame for which
/// anything but `.needMore` was returned has been consumed and must not be given again.
package struct WebSocketDecoder: Hashable, Sendable {
    package enum Role: Sendable {
        /// Frames come from clients, masked.
        case server
        /// Frames come from a server, not masked.
        case client
    }

    private let isMasked: Bool
    /// Whether the text of the incomplete message is checked, and how far that is.
    private var isText = false
    private var isInMessage = false
    private var validator = UTF8Validator()
    /// Bytes of the fragments of the incomplete message.
    private var messageBytes: UInt32 = 0

    package init(_ role: Role = .server) { self.isMasked = role == .server }

    /// Whether fragments came and the last is still to come.
    package var isMessageIncomplete: Bool { self.isInMessage }

    /// The frame that begins at `offset`, if it is all there.
    ///
    /// - Parameter messageBytesMax: A longer message is refused as soon as a frame's header says so.
    package mutating func next(
        _ bytes: inout MutableSpan<UInt8>, from offset: Int, messageBytesMax: Int
    ) -> WebSocketEvent {
        guard offset >= 0, offset <= bytes.count else { return .needMore(total: 2) }
        let header: WebSocketHeader
        switch WebSocketHeader.read(bytes.span, from: offset, isMasked: self.isMasked) {
        case .needMore(let total): return .needMore(total: total)
        case .violation(let violation): return .violation(violation)
        case .header(let read): header = read
        }
        if let violation = self.check(header, messageBytesMax) { return .violation(violation) }
        let total = header.length + header.payloadLength
        guard bytes.count - offset >= total else { return .needMore(total: total) }
        let payload = (offset + header.length)..<(offset + total)
        let isASCII = Self.unmask(&bytes, payload, header.mask)
        return header.opcode.isControl
            ? Self.control(header.opcode, bytes.span, payload)
            : self.data(header, bytes.span, payload, isASCII: isASCII)
    }

    /// What a header breaks in its place, before its payload has come.
    private func check(_ header: WebSocketHeader, _ messageBytesMax: Int) -> WebSocketViolation? {
        if header.opcode.isControl { return nil }
        if header.opcode == .continuation, !self.isInMessage { return .unexpectedContinuation }
        if header.opcode != .continuation, self.isInMessage { return .expectedContinuation }
        let bound = min(messageBytesMax, Int(UInt32.max))
        return header.payloadLength > bound - Int(self.messageBytes) ? .tooBig : nil
    }

    private mutating func data(
        _ header: WebSocketHeader, _ bytes: borrowing Span<UInt8>, _ payload: Range<Int>, isASCII: Bool
    ) -> WebSocketEvent {
        let isFirst = header.opcode != .continuation
        if isFirst {
            self.isText = header.opcode == .text
            self.validator = UTF8Validator()
        }
        // Most text is ASCII, which unmasking has found out by the way.
        if self.isText, !(isASCII && self.validator.isComplete) {
            guard self.validator.accept(bytes, payload) else { return .violation(.text) }
        }
        if header.isFinal, self.isText, !self.validator.isComplete { return .violation(.text) }
        self.isInMessage = !header.isFinal
        self.messageBytes = header.isFinal ? 0 : self.messageBytes + UInt32(payload.count)
        return isFirst && header.isFinal
            ? .message(header.opcode, payload: payload, end: payload.upperBound)
            : .fragment(header.opcode, payload: payload, isFinal: header.isFinal, end: payload.upperBound)
    }

    private static func control(
        _ opcode: WebSocketOpcode, _ bytes: borrowing Span<UInt8>, _ payload: Range<Int>
    ) -> WebSocketEvent {
        let end = payload.upperBound
        if opcode == .ping { return .ping(payload: payload, end: end) }
        if opcode == .pong { return .pong(payload: payload, end: end) }
        guard !payload.isEmpty else { return .close(code: nil, reason: payload, end: end) }
        guard payload.count >= 2 else { return .violation(.closeLength) }
        let code = UInt16(bytes[payload.lowerBound]) << 8 | UInt16(bytes[payload.lowerBound + 1])
        guard WebSocketFrame.isCloseCodeAllowed(code) else { return .violation(.closeCode) }
        let reason = (payload.lowerBound + 2)..<end
        var validator = UTF8Validator()
        guard validator.accept(bytes, reason), validator.isComplete else { return .violation(.closeReason) }
        return .close(code: code, reason: reason, end: end)
    }

    /// Takes the mask off, four bytes a step, and says whether all that was under it is ASCII.
    private static func unmask(_ bytes: inout MutableSpan<UInt8>, _ payload: Range<Int>, _ mask: UInt32) -> Bool {
        let (first, second) = (UInt8(truncatingIfNeeded: mask >> 24), UInt8(truncatingIfNeeded: mask >> 16))
        let (third, fourth) = (UInt8(truncatingIfNeeded: mask >> 8), UInt8(truncatingIfNeeded: mask))
        var seen: UInt8 = 0
        var index = payload.lowerBound
        while payload.upperBound - index >= 4 {
            let (a, b) = (bytes[index] ^ first, bytes[index + 1] ^ second)
            let (c, d) = (bytes[index + 2] ^ third, bytes[index + 3] ^ fourth)
            seen |= a | b | c | d
            bytes[index] = a
            bytes[index + 1] = b
            bytes[index + 2] = c
            bytes[index + 3] = d
            index += 4
        }
        var rest = mask
        while index < payload.upperBound {
            bytes[index] ^= UInt8(truncatingIfNeeded: rest >> 24)
            seen |= bytes[index]
            rest <<= 8
            index += 1
        }
        return seen < 0x80
    }
}
