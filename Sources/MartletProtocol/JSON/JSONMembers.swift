// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Walks over the members of an object that the scanner has validated.
package struct JSONMembers: Sendable {
    private var position: Int
    private let end: Int

    init(of value: JSONValue) {
        self.position = value.kind == .object ? value.range.lowerBound + 1 : 0
        self.end = value.kind == .object ? value.range.upperBound - 1 : 0
    }

    /// The next member; nil after the last. `text` is the text the object was found in.
    package mutating func next(in text: Span<UInt8>) -> JSONMember? {
        guard self.position < self.end, self.end < text.count else { return nil }
        let inner = text.extracting(0..<self.end)
        let start = JSONScanner.skipSeparator(inner, self.position)
        guard let key = JSONScanner.value(in: inner, at: start), key.kind == .string else { return self.stop() }
        let colon = JSONScanner.skipWhitespace(inner, key.range.upperBound)
        guard let value = JSONScanner.value(in: inner, at: colon + 1) else { return self.stop() }
        self.position = value.range.upperBound
        return JSONMember(key: key, value: value)
    }

    private mutating func stop() -> JSONMember? {
        self.position = self.end
        return nil
    }
}
