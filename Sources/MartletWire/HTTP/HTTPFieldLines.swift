// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Where the lines of a field that may come more than once lie in a head. The first is kept in place, as there is
/// rarely a second: no allocation for an ordinary request.
package struct HTTPFieldLines: Hashable, Sendable {
    package private(set) var first: Range<Int>?
    package private(set) var more: [Range<Int>] = []

    package init() {}

    package var isEmpty: Bool { self.first == nil }
    package var count: Int { self.first == nil ? 0 : 1 + self.more.count }

    /// The line at `index` of 0..<count.
    package subscript(index: Int) -> Range<Int> {
        guard index == 0, let first = self.first else { return self.more[index - 1] }
        return first
    }

    mutating func append(_ line: Range<Int>) {
        if self.first == nil { self.first = line } else { self.more.append(line) }
    }

    /// Whether one of the comma-separated elements of all lines is `token`, given in lower case, in any case.
    package func containsToken(_ token: String, in bytes: Span<UInt8>) -> Bool {
        for index in 0..<self.count {
            var rest: Range<Int>? = self[index]
            while let element = bytes.cut(&rest, at: .comma) {
                if bytes.matches(element, lowercased: token) { return true }
            }
        }
        return false
    }
}
