// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

extension Span<UInt8> {
    /// The text of a range; what is not UTF-8 becomes the replacement character.
    package func text(_ range: Range<Int>) -> String {
        String(decoding: [UInt8](copying: self.extracting(range)), as: UTF8.self)
    }

    package func copy(_ range: Range<Int>) -> [UInt8] { [UInt8](copying: self.extracting(range)) }

    /// Where `byte` is first met in a range, or nil.
    package func first(_ byte: UInt8, in range: Range<Int>) -> Int? {
        let part = self.extracting(range)
        for index in part.indices where part[index] == byte { return range.lowerBound + index }
        return nil
    }

    /// Whether a range holds exactly `text`.
    package func equals(_ range: Range<Int>, _ text: String) -> Bool {
        guard text.utf8.count == range.count else { return false }
        var index = range.lowerBound
        for byte in text.utf8 {
            guard self[index] == byte else { return false }
            index += 1
        }
        return true
    }

    /// Whether a range holds `text`, which is given in lower case, in any case.
    package func matches(_ range: Range<Int>, lowercased text: String) -> Bool {
        guard text.utf8.count == range.count else { return false }
        var index = range.lowerBound
        for byte in text.utf8 {
            guard self[index].asciiLowercased == byte else { return false }
            index += 1
        }
        return true
    }

    /// A range without the spaces and tabs at its ends.
    package func trimmed(_ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, self[start].isBlank { start += 1 }
        while end > start, self[end - 1].isBlank { end -= 1 }
        return start..<end
    }

    /// Cuts a range at its first `separator`: what precedes it, trimmed, is returned and `rest` becomes what follows,
    /// or nil where there was none.
    package func cut(_ rest: inout Range<Int>?, at separator: UInt8) -> Range<Int>? {
        guard let range = rest else { return nil }
        guard let index = self.first(separator, in: range) else {
            rest = nil
            return self.trimmed(range)
        }
        rest = (index + 1)..<range.upperBound
        return self.trimmed(range.lowerBound..<index)
    }

    /// The number a range of 1 to 18 decimal digits says, or nil.
    package func decimal(_ range: Range<Int>) -> Int? {
        guard !range.isEmpty, range.count <= 18 else { return nil }
        var number = 0
        for index in range {
            guard self[index].isDigit else { return nil }
            number = number * 10 + Int(self[index] & 0x0F)
        }
        return number
    }
}
