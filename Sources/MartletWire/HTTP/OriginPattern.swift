// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// An allowed origin: `https://app.example`, `https://*.example`, `http://localhost:*`, or `*` for all of them.
package struct OriginPattern: Hashable, Sendable {
    /// In lower case, as browsers send origins.
    private let pattern: [UInt8]

    package init(_ pattern: String) { self.pattern = pattern.lowercased().utf8.map { $0 } }

    package var allowsAll: Bool { self.pattern == [UInt8(ascii: "*")] }

    /// An asterisk stands for any number of characters but a slash. `null` must be listed as such.
    package func matches(_ origin: Span<UInt8>) -> Bool {
        if self.allowsAll { return true }
        var (index, place) = (0, 0)
        var lastStar: (place: Int, index: Int)?
        while index < origin.count {
            let byte = origin[index].asciiLowercased
            if place < self.pattern.count, self.pattern[place] == UInt8(ascii: "*") {
                lastStar = (place, index)
                place += 1
            } else if place < self.pattern.count, self.pattern[place] == byte {
                (index, place) = (index + 1, place + 1)
            } else if let star = lastStar, origin[star.index] != .slash {
                // The last asterisk takes one more byte.
                lastStar = (star.place, star.index + 1)
                (index, place) = (star.index + 1, star.place + 1)
            } else {
                return false
            }
        }
        return self.pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
