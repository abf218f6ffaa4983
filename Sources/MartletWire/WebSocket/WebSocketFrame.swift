// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Writes frames (RFC 6455 section 5).
package enum WebSocketFrame {
    /// The longest header of a server's frame.
    package static let headerBytesMax = 10
    /// The longest payload of a control frame.
    package static let controlBytesMax = 125

    /// A whole frame of a server.
    package static func encode(_ opcode: WebSocketOpcode, payload: [UInt8]) -> [UInt8] {
        var frame: [UInt8] = []
        frame.reserveCapacity(payload.count + Self.headerBytesMax)
        Self.appendHeader(opcode, payloadLength: payload.count, to: &frame)
        frame += payload
        return frame
    }

    /// The header of a server's frame; its payload is for the caller to append.
    package static func appendHeader(
        _ opcode: WebSocketOpcode, payloadLength: Int, isFinal: Bool = true, to frame: inout [UInt8]
    ) {
        Self.appendHeader(opcode, payloadLength, isFinal: isFinal, maskBit: 0, to: &frame)
    }

    /// A close frame of a server.
    package static func close(code: UInt16, reason: String = "") -> [UInt8] {
        Self.encode(.close, payload: Self.closePayload(code: code, reason: reason))
    }

    /// The payload of a close frame. A reason that is too long is cut between two characters.
    package static func closePayload(code: UInt16, reason: String = "") -> [UInt8] {
        var payload = [UInt8(code >> 8), UInt8(code & 0xFF)]
        for scalar in reason.unicodeScalars {
            let encoded = UTF8.encode(scalar).map { Array($0) } ?? []
            guard payload.count + encoded.count <= Self.controlBytesMax else { break }
            payload += encoded
        }
        return payload
    }

    /// Whether a code may be sent in a close frame: those of RFC 6455 section 7.4 and of its registry that are not
    /// for local use, and those of libraries and applications.
    package static func isCloseCodeAllowed(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }

    /// A whole frame of a client.
    ///
    /// - Parameter mask: Four bytes in the order of the wire. They must be unpredictable where a browser's page chooses
    ///   the payload; a tool's payloads are its own.
    package static func encodeMasked(
        _ opcode: WebSocketOpcode, payload: [UInt8], mask: UInt32, isFinal: Bool = true
    ) -> [UInt8] {
        var frame: [UInt8] = []
        frame.reserveCapacity(payload.count + Self.headerBytesMax + 4)
        Self.appendHeader(opcode, payload.count, isFinal: isFinal, maskBit: 0x80, to: &frame)
        for shift in [24, 16, 8, 0] as [UInt32] { frame.append(UInt8(truncatingIfNeeded: mask >> shift)) }
        for (index, byte) in payload.enumerated() {
            frame.append(byte ^ UInt8(truncatingIfNeeded: mask >> UInt32(24 - 8 * (index & 3))))
        }
        return frame
    }

    private static func appendHeader(
        _ opcode: WebSocketOpcode, _ length: Int, isFinal: Bool, maskBit: UInt8, to frame: inout [UInt8]
    ) {
        frame.append((isFinal ? 0x80 : 0) | opcode.rawValue)
        let lengthBytes = length < 126 ? 0 : length <= 0xFFFF ? 2 : 8
        let short = lengthBytes == 0 ? UInt8(truncatingIfNeeded: length) : lengthBytes == 2 ? 126 : 127
        frame.append(maskBit | short)
        for index in 0..<lengthBytes {
            frame.append(UInt8(truncatingIfNeeded: length >> (8 * (lengthBytes - 1 - index))))
        }
    }
}
