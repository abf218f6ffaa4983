// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

extension JSONScanner {
    /// Skips a string, number, `true`, `false` or `null`.
    static func skipScalar(_ text: Span<UInt8>, _ position: inout Int) -> Bool {
        guard position < text.count else { return false }
        switch text[position] {
        case UInt8(ascii: "\""):
            var isEscaped = false
            return self.skipString(text, &position, &isEscaped)
        case UInt8(ascii: "t"):
            return self.skipWord(text, &position, 0x7472_7565, 4)
        case UInt8(ascii: "f"):
            return self.skipWord(text, &position, 0x66_616C_7365, 5)
        case UInt8(ascii: "n"):
            return self.skipWord(text, &position, 0x6E75_6C6C, 4)
        default:
            return self.skipNumber(text, &position)
        }
    }

    /// Skips the `count` letters packed into `word`, the first highest.
    private static func skipWord(_ text: Span<UInt8>, _ position: inout Int, _ word: UInt64, _ count: Int) -> Bool {
        guard text.count - position >= count else { return false }
        var found: UInt64 = 0
        for index in position..<(position + count) { found = found << 8 | UInt64(text[index]) }
        position += count
        return found == word
    }

    private static func skipNumber(_ text: Span<UInt8>, _ position: inout Int) -> Bool {
        if position < text.count, text[position] == UInt8(ascii: "-") { position += 1 }
        guard position < text.count else { return false }
        if text[position] == UInt8(ascii: "0") {
            position += 1
        } else if !self.skipDigits(text, &position) {
            return false
        }
        if position < text.count, text[position] == UInt8(ascii: ".") {
            position += 1
            guard self.skipDigits(text, &position) else { return false }
        }
        if position < text.count, text[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < text.count, text[position] == UInt8(ascii: "+") || text[position] == UInt8(ascii: "-") {
                position += 1
            }
            guard self.skipDigits(text, &position) else { return false }
        }
        return true
    }

    /// At least one digit.
    private static func skipDigits(_ text: Span<UInt8>, _ position: inout Int) -> Bool {
        let first = position
        while position < text.count, text[position] &- UInt8(ascii: "0") <= 9 { position += 1 }
        return position > first
    }

    /// Skips a string; `position` is at its opening quote, and after the closing one where it is well-formed.
    static func skipString(_ text: Span<UInt8>, _ position: inout Int, _ isEscaped: inout Bool) -> Bool {
        var index = position + 1
        let count = text.count
        while index < count {
            let byte = text[index]
            // Plain ASCII first: it is nearly all of what strings hold.
            if byte &- 0x20 < 0x60, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                index &+= 1
            } else if byte == UInt8(ascii: "\"") {
                position = index + 1
                return true
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
                let length = self.escapeLength(text, index)
                guard length > 0 else { return false }
                index += length
            } else {
                let length = self.sequenceLength(text, index)
                guard length > 0 else { return false }
                index += length
            }
        }
        return false
    }

    /// Bytes of the escape that begins at `index`; 0 where it is none.
    private static func escapeLength(_ text: Span<UInt8>, _ index: Int) -> Int {
        guard index + 1 < text.count else { return 0 }
        switch text[index + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return 2
        case UInt8(ascii: "u"):
            return JSONEscapes.codeUnit(text, index + 2) == nil ? 0 : 6
        default:
            return 0
        }
    }

    /// Bytes of the character beyond ASCII that begins at `index`; 0 where it is not UTF-8 (RFC 3629): too long a form,
    /// a surrogate, above U+10FFFF, or cut.
    private static func sequenceLength(_ text: Span<UInt8>, _ index: Int) -> Int {
        let lead = text[index]
        let length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0
        guard length > 0, text.count - index >= length else { return 0 }
        let second = text[index + 1]
        switch lead {
        case 0xE0: guard 0xA0...0xBF ~= second else { return 0 }
        case 0xED: guard 0x80...0x9F ~= second else { return 0 }
        case 0xF0: guard 0x90...0xBF ~= second else { return 0 }
        case 0xF4: guard 0x80...0x8F ~= second else { return 0 }
        default: guard 0x80...0xBF ~= second else { return 0 }
        }
        if length > 2, text[index + 2] & 0xC0 != 0x80 { return 0 }
        if length > 3, text[index + 3] & 0xC0 != 0x80 { return 0 }
        return length
    }
}
