// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The standard alphabet of RFC 4648 section 4, with its padding.
package enum Base64 {
    package static func decode(_ text: String) -> [UInt8]? {
        let characters = text.utf8.span
        guard characters.count.isMultiple(of: 4) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count / 4 * 3)
        var group: UInt32 = 0
        var padding = 0
        for index in characters.indices {
            let character = characters[index]
            if character == UInt8(ascii: "="), index >= characters.count - 2 {
                padding += 1
                group <<= 6
            } else {
                guard padding == 0, let digit = self.digit(character) else { return nil }
                group = group << 6 | UInt32(digit)
            }
            guard index & 3 == 3 else { continue }
            bytes.append(UInt8(truncatingIfNeeded: group >> 16))
            if padding < 2 { bytes.append(UInt8(truncatingIfNeeded: group >> 8)) }
            if padding < 1 { bytes.append(UInt8(truncatingIfNeeded: group)) }
            group = 0
        }
        return bytes
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    package static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group: UInt32 = 0
            for index in 0..<3 { group = group << 8 | (index < count ? UInt32(bytes[start + index]) : 0) }
            for place in 0..<4 {
                let digit = Self.alphabet[Int(group >> UInt32(18 - 6 * place) & 63)]
                text.append(place <= count ? digit : UInt8(ascii: "="))
            }
        }
        return text
    }

    /// As a JSON string.
    package static func quoted(_ bytes: [UInt8]) -> [UInt8] {
        let quote = [UInt8(ascii: "\"")]
        return quote + self.encode(bytes) + quote
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
