// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol
import Testing

@Suite("Patterns for names")
struct GlobPatternTests {
    @Test(arguments: [
        ("", "", "a"), ("a", "a", "b"), ("a*", "a", "ba"), ("a*", "a:b/c", "b"), ("*a", "bca", "ab"),
        ("*:*", "news:1", "news"), ("?", "a", ""), ("?", "b", "ab"), ("a?c", "abc", "ac"), ("[a-c]", "b", "d"),
        ("[!a-c]", "d", "b"), ("[a-]x", "-x", "bx"), ("[abc-]", "-", "d"), ("{a,bc}d", "bcd", "bd"),
        ("{a,}b", "b", "cb"),
        ("{a*,?b}c", "axxc", "bbbc"), ("{a,b}{c,d}", "bd", "ba"), ("\\*", "*", "a"), ("a,b}", "a,b}", "a"),
        ("{a\\,b,c}", "a,b", "a"),
    ])
    func matches(pattern: String, name: String, other: String) throws {
        let glob = try #require(GlobPattern(pattern))
        #expect(glob.matches(name))
        #expect(!glob.matches(other))
    }

    @Test(arguments: ["[", "[]", "[a", "[!]", "[z-a]", "{", "{a", "{a,", "\\", "{a,{b,c}}"])
    func isNone(pattern: String) {
        #expect(GlobPattern(pattern) == nil)
    }

    @Test func noPatternTakesLong() throws {
        let glob = try #require(GlobPattern(String(repeating: "*a", count: 127)))
        #expect(!glob.matches(String(repeating: "a", count: 254) + "b"))
    }
}
