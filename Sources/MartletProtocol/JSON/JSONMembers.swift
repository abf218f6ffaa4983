// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Walks over the members of an object and holds them to the grammar, so that an object need not have been validated
/// before; where it was, the walk always reaches the end.
package struct JSONMembers: Sendable {
    private var position: Int
    private let end: Int
    private var isFirst = true
    /// Whether the walk ended early, at something that is not JSON.
    package private(set) var isMalformed = false

    init(of value: JSONValue) {
        self.position = value.kind == .object ? value.range.lowerBound + 1 : 0
        self.end = value.kind == .object ? value.range.upperBound - 1 : 0
    }

    /// The next member; nil after the last. `text` is the text the object was found in.
    package mutating func next(in text: Span<UInt8>) -> JSONMember? {
        guard self.position < self.end, self.end < text.count else { return nil }
        let inner = text.extracting(0..<self.end)
        var start = JSONScanner.skipWhitespace(inner, self.position)
        if start == self.end {
            self.position = start
            return nil
        }
        if !self.isFirst {
            guard inner[start] == UInt8(ascii: ",") else { return self.stop() }
            start += 1
        }
        guard let key = JSONScanner.value(in: inner, at: start), key.kind == .string else { return self.stop() }
        let colon = JSONScanner.skipWhitespace(inner, key.range.upperBound)
        guard colon < self.end, inner[colon] == UInt8(ascii: ":") else { return self.stop() }
        guard let value = JSONScanner.value(in: inner, at: colon + 1) else { return self.stop() }
        self.isFirst = false
        self.position = value.range.upperBound
        return JSONMember(key: key, value: value)
    }

    private mutating func stop() -> JSONMember? {
        self.isMalformed = true
        self.position = self.end
        return nil
    }
}
