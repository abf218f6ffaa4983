// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("Safety")
struct SafetyTests {
    /// The only targets that reach into memory themselves.
    private static let unsafeTargets: Set = ["MartletReactor", "MartletRedis", "MartletKafka"]

    @Test("Unsafe code stands in the targets that are for it")
    func unsafeCode() {
        for file in Repository.sources where !Self.unsafeTargets.contains(file.target) {
            for line in file.lines(matching: #/\bunsafe\b|@unchecked\b/#, with: "unsafe", "@unchecked") {
                Issue.record("\(file):\(line): unsafe code belongs in \(Self.unsafeTargets.sorted())")
            }
        }
    }

    @Test("Where the compiler is told to trust, a comment above says why it may")
    func reasons() {
        for file in Repository.sources {
            for line in file.lines(
                matching: #/@unchecked Sendable|nonisolated\(unsafe\)/#, with: "@unchecked", "(unsafe)")
            where !file.hasCommentAbove(line: line) {
                Issue.record("\(file):\(line): say directly above why this holds")
            }
        }
    }

    @Test("Nothing traps on purpose")
    func traps() {
        for file in Repository.sources {
            for line in file.lines(
                matching: #/\bfatalError\(|\btry!|\bas!|[A-Za-z0-9_)\]]!(?:[.,;:)\]\[( ]|$)/#, with: "!", "fatalError")
            {
                Issue.record("\(file):\(line): no fatalError, try!, as! or forced unwrapping")
            }
        }
    }

    @Test("Strings and comments are not code")
    func reading() {
        let file = SourceFile(path: "x.swift", text: "let a = \"unsafe // x\" + b // unsafe\nlet b = unsafe c")
        #expect(file.lines(matching: #/\bunsafe\b/#, with: "unsafe") == [2])
    }
}
