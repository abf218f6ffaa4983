// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Protobuf by hand, for what clients of the tests send.
enum ProtobufText {
    static func varint(_ value: Int) -> [UInt8] {
        value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F | 0x80)] + Self.varint(value >> 7)
    }

    static func number(_ field: Int, _ value: Int) -> [UInt8] { [UInt8(field << 3)] + Self.varint(value) }

    static func bytes(_ field: Int, _ value: [UInt8]) -> [UInt8] {
        [UInt8(field << 3 | 2)] + Self.varint(value.count) + value
    }

    static func text(_ field: Int, _ value: String) -> [UInt8] { Self.bytes(field, Array(value.utf8)) }

    static func delimited(_ message: [UInt8]) -> [UInt8] { Self.varint(message.count) + message }

    // The commands, with their lengths.
    static func connect(_ token: String) -> [UInt8] {
        Self.delimited(Self.number(1, 1) + Self.bytes(4, Self.text(1, token)))
    }

    static func subscribe(_ channel: String, id: Int) -> [UInt8] {
        Self.delimited(Self.number(1, id) + Self.bytes(5, Self.text(1, channel)))
    }

    /// A push of a publication, without its length.
    static func publication(_ channel: String, _ data: String) -> [UInt8] {
        Self.bytes(4, Self.text(2, channel) + Self.bytes(4, Self.text(4, data)))
    }

    /// The value of a field of bytes in a message, or nil.
    static func find(_ field: Int, in message: [UInt8]) -> [UInt8]? {
        var index = 0
        func next() -> Int {
            var (value, shift) = (0, 0)
            while index < message.count {
                let byte = message[index]
                index += 1
                value |= Int(byte & 0x7F) << shift
                if byte < 0x80 { break }
                shift += 7
            }
            return value
        }
        while index < message.count {
            let head = next()
            guard head & 7 == 2 else {
                _ = next()
                continue
            }
            let length = next()
            guard index + length <= message.count else { return nil }
            if head >> 3 == field { return Array(message[index..<index + length]) }
            index += length
        }
        return nil
    }
}
