// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Finds values in JSON text (RFC 8259) without building trees: strict about grammar and UTF-8, in one pass, without
/// recursion, so that hostile text costs neither stack nor memory.
package enum JSONScanner {
    /// Containers within containers: as many as fit the bits of the word that remembers which kind each is.
    package static let depthMax = 64

    package enum Outcome: Equatable, Sendable {
        case value(JSONValue)
        case malformed
        /// Well-formed so far, but nested deeper than `depthMax`.
        case tooDeep
    }

    /// The one value of a text that holds nothing else but whitespace; nil where it is not JSON.
    package static func document(_ text: Span<UInt8>) -> JSONValue? {
        guard case .value(let value) = self.scanDocument(text) else { return nil }
        return value
    }

    /// The object that a text seems to be, from its first bracket to its last: walking over its members validates it, so
    /// that text of one object is read once; `JSONMembers.isMalformed` has the verdict.
    package static func unvalidatedObject(_ text: Span<UInt8>) -> JSONValue? {
        let start = self.skipWhitespace(text, 0)
        var end = text.count
        while end > start, self.isWhitespace(text[end - 1]) { end -= 1 }
        guard end - start >= 2, text[start] == UInt8(ascii: "{"), text[end - 1] == UInt8(ascii: "}") else { return nil }
        return JSONValue(kind: .object, range: start..<end)
    }

    package static func scanDocument(_ text: Span<UInt8>) -> Outcome {
        let outcome = self.scan(text, at: 0)
        guard case .value(let value) = outcome else { return outcome }
        return self.skipWhitespace(text, value.range.upperBound) == text.count ? outcome : .malformed
    }

    /// The value that begins at `start`, after whitespace; what follows it is not looked at.
    package static func value(in text: Span<UInt8>, at start: Int) -> JSONValue? {
        guard case .value(let value) = self.scan(text, at: start) else { return nil }
        return value
    }

    package static func scan(_ text: Span<UInt8>, at start: Int) -> Outcome {
        var position = self.skipWhitespace(text, start)
        let first = position
        guard first >= 0, first < text.count, let kind = self.kind(text[first]) else { return .malformed }
        switch kind {
        case .object, .array:
            switch self.skipContainer(text, &position) {
            case .closed: return .value(JSONValue(kind: kind, range: first..<position))
            case .malformed: return .malformed
            case .tooDeep: return .tooDeep
            }
        case .string:
            var isEscaped = false
            guard self.skipString(text, &position, &isEscaped) else { return .malformed }
            return .value(JSONValue(kind: kind, range: first..<position, isEscaped: isEscaped))
        case .number, .boolean, .null:
            guard self.skipScalar(text, &position) else { return .malformed }
            return .value(JSONValue(kind: kind, range: first..<position))
        }
    }

    private enum Container {
        case closed, malformed, tooDeep
    }

    /// Skips an object or array; `position` is at its bracket, and after it where it is well-formed.
    private static func skipContainer(_ text: Span<UInt8>, _ position: inout Int) -> Container {
        // One bit a level, the innermost lowest: 1 for an object.
        var kinds: UInt64 = 0
        var depth = 0
        while true {
            guard position < text.count else { return .malformed }
            let byte = text[position]
            if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
                guard depth < self.depthMax else { return .tooDeep }
                let isObject = byte == UInt8(ascii: "{")
                kinds = kinds << 1 | (isObject ? 1 : 0)
                depth += 1
                position = self.skipWhitespace(text, position + 1)
                guard position < text.count else { return .malformed }
                if text[position] == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                    position += 1
                    kinds >>= 1
                    depth -= 1
                } else {
                    if isObject, !self.skipKey(text, &position) { return .malformed }
                    continue
                }
            } else if !self.skipScalar(text, &position) {
                return .malformed
            }
            // A value has ended: close what it was the last of, then go to the next.
            var isNextFound = false
            while depth > 0, !isNextFound {
                position = self.skipWhitespace(text, position)
                guard position < text.count else { return .malformed }
                let isObject = kinds & 1 == 1
                switch text[position] {
                case UInt8(ascii: ","):
                    position = self.skipWhitespace(text, position + 1)
                    if isObject, !self.skipKey(text, &position) { return .malformed }
                    isNextFound = true
                case UInt8(ascii: "}") where isObject, UInt8(ascii: "]") where !isObject:
                    position += 1
                    kinds >>= 1
                    depth -= 1
                default:
                    return .malformed
                }
            }
            if depth == 0 { return .closed }
        }
    }

    /// A string, a colon, and the whitespace around it.
    private static func skipKey(_ text: Span<UInt8>, _ position: inout Int) -> Bool {
        var isEscaped = false
        guard position < text.count, text[position] == UInt8(ascii: "\"") else { return false }
        guard self.skipString(text, &position, &isEscaped) else { return false }
        position = self.skipWhitespace(text, position)
        guard position < text.count, text[position] == UInt8(ascii: ":") else { return false }
        position = self.skipWhitespace(text, position + 1)
        return true
    }

    private static func kind(_ byte: UInt8) -> JSONValue.Kind? {
        switch byte {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .boolean
        case UInt8(ascii: "n"): .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): .number
        default: nil
        }
    }

    private static func isWhitespace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }

    static func skipWhitespace(_ text: Span<UInt8>, _ start: Int) -> Int {
        var position = start
        while position < text.count, self.isWhitespace(text[position]) { position += 1 }
        return position
    }

    /// Whitespace, and the comma between two members or elements of a container already validated.
    static func skipSeparator(_ text: Span<UInt8>, _ start: Int) -> Int {
        let position = self.skipWhitespace(text, start)
        guard position < text.count, text[position] == UInt8(ascii: ",") else { return position }
        return self.skipWhitespace(text, position + 1)
    }
}
