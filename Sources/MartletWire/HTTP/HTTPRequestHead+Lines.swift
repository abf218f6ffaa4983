// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

extension HTTPRequestHead {
    /// The lines whose names, in lower case, are among `names`: for those who have a use for fields that this does not
    /// name. Values are trimmed; lines that are not UTF-8 are left out.
    package func lines(named names: [String], in bytes: Span<UInt8>) -> [(name: String, value: String)] {
        guard !names.isEmpty, self.length <= bytes.count else { return [] }
        var lines: [(name: String, value: String)] = []
        var start = self.path.upperBound
        while let end = Self.lineEnd(bytes, start, limit: self.length) {
            let hasReturn = end > start && bytes[end - 1] == UInt8(ascii: "\r")
            let range = start..<(hasReturn ? end - 1 : end)
            if let line = Self.line(bytes, range), names.contains(line.name) { lines.append(line) }
            start = end + 1
        }
        return lines
    }

    private static func lineEnd(_ bytes: Span<UInt8>, _ start: Int, limit: Int) -> Int? {
        var index = start
        while index < limit {
            if bytes[index] == UInt8(ascii: "\n") { return index }
            index += 1
        }
        return nil
    }

    private static func line(_ bytes: Span<UInt8>, _ range: Range<Int>) -> (name: String, value: String)? {
        var colon = range.lowerBound
        while colon < range.upperBound, bytes[colon] != UInt8(ascii: ":") { colon += 1 }
        guard colon < range.upperBound else { return nil }
        guard let name = try? UTF8Span(validating: bytes.extracting(range.lowerBound..<colon)) else { return nil }
        let value = bytes.trimmed(colon + 1..<range.upperBound)
        guard let text = try? UTF8Span(validating: bytes.extracting(value)) else { return nil }
        return (String(copying: name).lowercased(), String(copying: text))
    }
}
