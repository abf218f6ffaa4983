// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Integers of seven bits a byte, the lowest first; every byte but the last has its highest bit set.
enum ProtobufVarint {
    /// Bytes that a value takes.
    static func length(_ value: UInt64) -> Int { (70 - (value | 1).leadingZeroBitCount) / 7 }

    /// The length of a message that begins at `position`, which is moved past it; nil where it is cut, or is longer than
    /// any message may be.
    static func messageLength(_ bytes: Span<UInt8>, _ position: inout Int) -> Int? {
        var value = 0
        for shift in stride(from: 0, to: 35, by: 7) {
            guard position < bytes.count else { return nil }
            let byte = bytes[position]
            position += 1
            value |= Int(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }
}
