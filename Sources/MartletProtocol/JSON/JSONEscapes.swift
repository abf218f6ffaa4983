// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The escapes in JSON strings, both ways.
enum JSONEscapes {
    /// The code unit of four hexadecimal digits.
    static func codeUnit(_ text: Span<UInt8>, _ start: Int) -> UInt16? {
        guard start >= 0, text.count - start >= 4 else { return nil }
        var unit: UInt16 = 0
        for index in start..<(start + 4) {
            let byte = text[index]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: return nil
            }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }

    /// The text between the quotes of a string that the scanner has validated; nil for half of a surrogate pair.
    static func resolve(_ text: Span<UInt8>, _ inner: Range<Int>) -> String? {
        guard inner.upperBound <= text.count else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(inner.count)
        var index = inner.lowerBound
        while index < inner.upperBound {
            let byte = text[index]
            if byte != UInt8(ascii: "\\") {
                bytes.append(byte)
                index += 1
                continue
            }
            guard index + 1 < inner.upperBound else { return nil }
            switch text[index + 1] {
            case UInt8(ascii: "b"): bytes.append(0x08)
            case UInt8(ascii: "f"): bytes.append(0x0C)
            case UInt8(ascii: "n"): bytes.append(0x0A)
            case UInt8(ascii: "r"): bytes.append(0x0D)
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "u"):
                guard let (scalar, length) = self.scalar(text, index, end: inner.upperBound) else { return nil }
                bytes.append(contentsOf: String(Character(scalar)).utf8)
                index += length
                continue
            case let other: bytes.append(other)
            }
            index += 2
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// The character of one `\u` escape, or of two that make a surrogate pair, and their bytes.
    private static func scalar(_ text: Span<UInt8>, _ index: Int, end: Int) -> (Unicode.Scalar, Int)? {
        guard let unit = self.codeUnit(text, index + 2) else { return nil }
        if let scalar = Unicode.Scalar(unit) { return (scalar, 6) }
        guard unit < 0xDC00, end - index >= 12, text[index + 6] == UInt8(ascii: "\\"),
            text[index + 7] == UInt8(ascii: "u"), let low = self.codeUnit(text, index + 8), 0xDC00...0xDFFF ~= low
        else { return nil }
        let value = 0x10000 + (UInt32(unit - 0xD800) << 10 | UInt32(low - 0xDC00))
        return Unicode.Scalar(value).map { ($0, 12) }
    }

    /// Appends text as a JSON string, quotes included.
    static func append(_ text: String, to bytes: inout [UInt8]) {
        let utf8 = text.utf8
        guard self.isPlain(utf8.span) else { return self.append(utf8.span, to: &bytes) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: utf8)
        bytes.append(UInt8(ascii: "\""))
    }

    /// The same for bytes that are valid UTF-8.
    static func append(_ text: Span<UInt8>, to bytes: inout [UInt8]) {
        bytes.reserveCapacity(bytes.count + text.count + 2)
        bytes.append(UInt8(ascii: "\""))
        for index in text.indices {
            let byte = text[index]
            if self.isPlain(byte) { bytes.append(byte) } else { self.appendEscape(of: byte, to: &bytes) }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private static func isPlain(_ text: Span<UInt8>) -> Bool {
        for index in text.indices where !self.isPlain(text[index]) { return false }
        return true
    }

    private static func appendEscape(of byte: UInt8, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x00..<0x20:
            let digit = byte & 0x0F
            bytes.append(contentsOf: byte < 0x10 ? "u000".utf8 : "u001".utf8)
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        default: bytes.append(byte)
        }
    }
}
