// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A Swift file, line by line.
struct SourceFile: Sendable, CustomStringConvertible {
    let path: String
    let lines: [String]

    init(path: String, text: String) {
        self.path = path
        self.lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    var description: String { self.path }

    /// `MartletCore` of `Sources/MartletCore/Clock.swift`.
    var target: String {
        let parts = self.path.split(separator: "/")
        return parts.count > 1 ? String(parts[1]) : ""
    }

    /// The lines that match, numbered from one; what a comment says does not count, nor what a string holds.
    ///
    /// - Parameter words: One of them is in every line that can match: a regular expression takes its time.
    func lines(matching pattern: Regex<Substring>, with words: String...) -> [Int] {
        self.lines.indices.filter { index in
            let line = self.lines[index]
            return words.contains { line.contains($0) } && Self.code(of: line).contains(pattern)
        }.map { $0 + 1 }
    }

    /// Whether a comment stands directly above a line, attributes aside.
    func hasCommentAbove(line: Int) -> Bool {
        let above = self.lines[..<(line - 1)].last { !$0.trimmed.hasPrefix("@") }
        return above?.trimmed.hasPrefix("//") ?? false
    }

    /// Functions with a body and the lines each takes, read off the indentation, which the formatter holds.
    var functions: [(line: Int, length: Int)] {
        let start = #/^\s*([a-z@(), ]+ )?(func |init[?(<]|deinit\b|subscript[(<])/#
        return self.lines.indices.compactMap { first in
            guard ["func ", "init", "subscript"].contains(where: { self.lines[first].contains($0) }),
                !self.lines[first].trimmed.hasPrefix("//"), self.lines[first].contains(start)
            else { return nil }
            if self.lines[first].hasSuffix("}") { return (first + 1, 1) }
            let indentation = self.lines[first].prefix { $0 == " " }
            for last in self.lines.indices.dropFirst(first + 1) {
                let line = self.lines[last]
                guard !line.isEmpty, line.prefix(while: { $0 == " " }).count <= indentation.count else { continue }
                if line.hasPrefix(indentation + "}") { return (first + 1, last - first + 1) }
                // A signature may go on where it began; anything else means that there is no body.
                guard [")", "where", "{"].contains(where: { line.hasPrefix(indentation + $0) }) else { return nil }
            }
            return nil
        }
    }

    private static func code(of line: String) -> String {
        let withoutStrings = line.replacing(#/"([^"\\]|\\.)*"/#, with: "\"\"")
        guard let comment = withoutStrings.firstRange(of: "//") else { return withoutStrings }
        return String(withoutStrings[..<comment.lowerBound])
    }
}

extension String {
    var trimmed: Substring { self.drop { $0 == " " } }
}
