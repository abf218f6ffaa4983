// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Walks over the elements of an array that the scanner has validated.
package struct JSONElements: Sendable {
    private var position: Int
    private let end: Int

    init(of value: JSONValue) {
        self.position = value.kind == .array ? value.range.lowerBound + 1 : 0
        self.end = value.kind == .array ? value.range.upperBound - 1 : 0
    }

    /// The next element; nil after the last. `text` is the text the array was found in.
    package mutating func next(in text: Span<UInt8>) -> JSONValue? {
        guard self.position < self.end, self.end < text.count else { return nil }
        let inner = text.extracting(0..<self.end)
        let start = JSONScanner.skipSeparator(inner, self.position)
        let value = JSONScanner.value(in: inner, at: start)
        self.position = value?.range.upperBound ?? self.end
        return value
    }
}
