// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Base 64 with padding (RFC 4648 section 4).
package enum Base64 {
    package static func encode(_ bytes: Span<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let left = bytes.count - index
            let (second, third) = (left > 1 ? bytes[index + 1] : 0, left > 2 ? bytes[index + 2] : 0)
            let group = UInt32(bytes[index]) << 16 | UInt32(second) << 8 | UInt32(third)
            text.append(Self.character(group >> 18))
            text.append(Self.character(group >> 12 & 63))
            text.append(left > 1 ? Self.character(group >> 6 & 63) : .equalsSign)
            text.append(left > 2 ? Self.character(group & 63) : .equalsSign)
            index += 3
        }
        return text
    }

    /// How many bytes a text stands for; nil where it is not Base 64, its padding and unused bits included.
    package static func decodedCount(_ text: Span<UInt8>) -> Int? {
        guard text.count % 4 == 0 else { return nil }
        var end = text.count
        while end > 0, text.count - end < 2, text[end - 1] == .equalsSign { end -= 1 }
        for index in 0..<end where Self.value(text[index]) == nil { return nil }
        let padding = text.count - end
        if padding > 0 {
            guard let last = Self.value(text[end - 1]), last & (padding == 1 ? 0b11 : 0b1111) == 0 else { return nil }
        }
        return text.count / 4 * 3 - padding
    }

    private static func character(_ value: UInt32) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: value)
        switch value {
        case 0..<26: return UInt8(ascii: "A") + value
        case 26..<52: return UInt8(ascii: "a") + (value - 26)
        case 52..<62: return UInt8(ascii: "0") + (value - 52)
        case 62: return UInt8(ascii: "+")
        default: return .slash
        }
    }

    private static func value(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case .slash: 63
        default: nil
        }
    }
}
