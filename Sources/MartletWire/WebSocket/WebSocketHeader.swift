// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The head of a frame (RFC 6455 section 5.2), checked as far as it can be without knowing what went before.
struct WebSocketHeader {
    enum Outcome {
        /// The head takes at least this many bytes.
        case needMore(total: Int)
        case header(WebSocketHeader)
        case violation(WebSocketViolation)
    }

    var opcode: WebSocketOpcode
    var isFinal: Bool
    /// As four bytes in the order of the wire; zero where there is none.
    var mask: UInt32
    /// Bytes of the head itself.
    var length: Int
    var payloadLength: Int

    /// - Parameter isMasked: Whether the peer must mask (a client) or must not (a server).
    static func read(_ bytes: borrowing Span<UInt8>, from offset: Int, isMasked: Bool) -> Outcome {
        let available = bytes.count - offset
        guard available >= 1 else { return .needMore(total: 2) }
        let first = bytes[offset]
        guard first & 0x70 == 0 else { return .violation(.reservedBits) }
        guard let opcode = WebSocketOpcode(rawValue: first & 0x0F) else { return .violation(.reservedOpcode) }
        let isFinal = first & 0x80 != 0
        guard isFinal || !opcode.isControl else { return .violation(.fragmentedControl) }
        guard available >= 2 else { return .needMore(total: 2) }
        let second = bytes[offset + 1]
        guard (second & 0x80 != 0) == isMasked else { return .violation(isMasked ? .notMasked : .masked) }
        let short = second & 0x7F
        guard !opcode.isControl || short <= 125 else { return .violation(.longControl) }

        let extended = short == 126 ? 2 : short == 127 ? 8 : 0
        let maskStart = 2 + extended
        let length = maskStart + (isMasked ? 4 : 0)
        // The length may already be refused when the mask has not come.
        guard available >= maskStart else { return .needMore(total: length) }
        var payloadLength = UInt64(short)
        if extended > 0 {
            payloadLength = 0
            for index in 0..<extended { payloadLength = payloadLength << 8 | UInt64(bytes[offset + 2 + index]) }
            guard payloadLength >> 63 == 0 else { return .violation(.hugeLength) }
            guard payloadLength > (extended == 2 ? 125 : 0xFFFF) else { return .violation(.longLength) }
        }
        var mask: UInt32 = 0
        if isMasked, available >= length {
            for index in 0..<4 { mask = mask << 8 | UInt32(bytes[offset + maskStart + index]) }
        }
        return .header(
            WebSocketHeader(
                opcode: opcode, isFinal: isFinal, mask: mask, length: length, payloadLength: Int(payloadLength)))
    }
}
