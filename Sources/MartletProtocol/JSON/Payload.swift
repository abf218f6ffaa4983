// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a publication may carry, decided once, where bytes enter a node.
package enum Payload {
    /// JSON on one line: valid JSON as it stands without its raw line feeds and carriage returns, other UTF-8 as a
    /// JSON string. Nil for what is neither, and for JSON nested too deep to pass on: whoever asked counts and drops it.
    package static func normalize(_ bytes: Span<UInt8>) -> [UInt8]? {
        switch JSONScanner.scanDocument(bytes) {
        case .value:
            var copy: [UInt8] = []
            copy.appendOneLine(bytes)
            return copy
        case .tooDeep:
            return nil
        case .malformed:
            return self.quote(bytes)
        }
    }

    /// The same for bytes that the caller can give away: JSON on one line is returned without a copy.
    package static func normalize(_ bytes: consuming [UInt8]) -> [UInt8]? {
        if self.isOneLine(bytes.span), case .value = JSONScanner.scanDocument(bytes.span) { return bytes }
        return self.normalize(bytes.span)
    }

    /// JSON on one line, of nothing but JSON; nil for anything else.
    package static func json(_ bytes: Span<UInt8>) -> [UInt8]? {
        guard case .value = JSONScanner.scanDocument(bytes) else { return nil }
        var copy: [UInt8] = []
        copy.appendOneLine(bytes)
        return copy
    }

    private static func quote(_ bytes: Span<UInt8>) -> [UInt8]? {
        guard (try? UTF8Span(validating: bytes)) != nil else { return nil }
        var quoted: [UInt8] = []
        JSONEscapes.append(bytes, to: &quoted)
        return quoted
    }

    private static func isOneLine(_ bytes: Span<UInt8>) -> Bool {
        for index in bytes.indices where bytes[index] == 0x0A || bytes[index] == 0x0D { return false }
        return true
    }
}
