// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletRedis
import Testing

struct RESPParserTests {
    private static let transcript = Array(
        """
        +OK\r\n-ERR no such thing\r\n:-42\r\n:9223372036854775807\r\n$5\r\nhe\r\no\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n\
        *3\r\n$7\r\nmessage\r\n$3\r\na.b\r\n$2\r\n\u{0}\u{1}\r\n*2\r\n*2\r\n:1\r\n*0\r\n*1\r\n+x\r\n
        """.utf8)
    private static let replies: [RESPValue] = [
        .status("OK"), .error("ERR no such thing"), .integer(-42), .integer(.max), .bytes(Array("he\r\no".utf8)),
        .bytes([]), .null, .null, .array([]),
        .array([.bytes(Array("message".utf8)), .bytes(Array("a.b".utf8)), .bytes([0, 1])]),
        .array([.array([.integer(1), .array([])]), .array([.status("x")])]),
    ]

    private func parse(_ parts: [ArraySlice<UInt8>], limits: RESPLimits = RESPLimits()) throws -> [RESPValue] {
        let parser = try RESPParser(limits: limits)
        var replies: [RESPValue] = []
        for part in parts {
            try parser.parse(Array(part).span) { reply in
                replies.append(reply)
                return true
            }
        }
        return replies
    }

    @Test func readsEveryKindOfReply() throws {
        #expect(try self.parse([Self.transcript[...]]) == Self.replies)
    }

    @Test func readsRepliesSplitAtEveryByte() throws {
        for index in Self.transcript.indices {
            #expect(try self.parse([Self.transcript[..<index], Self.transcript[index...]]) == Self.replies)
        }
        #expect(try self.parse(Self.transcript.indices.map { Self.transcript[$0...$0] }) == Self.replies)
    }

    @Test func readsManyRepliesInOnePiece() throws {
        let many = Array(repeatElement(Self.transcript, count: 2_000).joined())
        #expect(try self.parse([many[...]]).count == 2_000 * Self.replies.count)
    }

    @Test func readsLargeStrings() throws {
        let large = [UInt8](repeating: 7, count: 3_000_000)
        let bytes = Array("$3000000\r\n".utf8) + large + Array("\r\n:1\r\n".utf8)
        #expect(try self.parse([bytes[...]]) == [.bytes(large), .integer(1)])
    }

    @Test func stopsWhenTold() throws {
        let parser = try RESPParser()
        var count = 0
        try parser.parse(Array("+1\r\n+2\r\n+3\r\n".utf8).span) { _ in
            count += 1
            return count < 2
        }
        #expect(count == 2)
    }

    @Test(arguments: [
        "hello\r\n", "*1\r\n%1\r\n", "$-2\r\n", "$9223372036854775808\r\n", "*2147483648\r\n", "*9\r\n*9\r\nx",
        ":12a\r\n", "$x\r\n", "\u{0}", "*-2\r\n",
    ])
    func refusesWhatIsNoRESP(_ text: String) throws {
        let bytes = Array(text.utf8)
        #expect(throws: RedisError.self) { try self.parse([bytes[...]]) }
    }

    @Test func refusesDepth() throws {
        let bytes = Array(String(repeating: "*1\r\n", count: 2_000).utf8)
        #expect(throws: RedisError.self) { try self.parse([bytes[...]]) }
        #expect(throws: RedisError.self) { try self.parse(bytes.indices.map { bytes[$0...$0] }) }
    }

    @Test func refusesMoreThanItsLimits() throws {
        var limits = RESPLimits()
        limits.bytesMax = 100
        limits.elementsMax = 10
        for text in [
            "*11\r\n", "*2147483647\r\n", "*5\r\n:1\r\n*9\r\n",
            "$101\r\n" + String(repeating: "x", count: 101) + "\r\n",
            "*3\r\n$60\r\n\(String(repeating: "x", count: 60))\r\n$60\r\n\(String(repeating: "x", count: 60))\r\n",
            "$100000\r\n" + String(repeating: "x", count: 1_000), "+" + String(repeating: "x", count: 200),
        ] {
            let bytes = Array(text.utf8)
            #expect(throws: RedisError.self, "\(text)") { try self.parse([bytes[...]], limits: limits) }
        }
        let fitting = Array("*9\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n".utf8)
        let replies = try self.parse([fitting[...], fitting[...]], limits: limits)
        #expect(replies == Array(repeating: .array(Array(repeating: .integer(1), count: 9)), count: 2))
    }

    @Test func staysInError() throws {
        let parser = try RESPParser()
        for _ in 0..<3 {
            #expect(throws: RedisError.self) { try parser.parse(Array("?\r\n".utf8).span) { _ in true } }
        }
    }

    @Test func survivesRandomBytes() throws {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("*$+-:0123456789\r\n\r\n\r\nab".utf8)
        for round in 0..<20_000 {
            let parser = try RESPParser()
            var bytes = (0..<Int.random(in: 0..<64)).map { _ in
                round % 2 == 0 ? UInt8.random(in: 0...255) : alphabet.randomElement(using: &generator) ?? 0
            }
            if round % 3 == 0 {
                bytes = Self.transcript
                bytes[Int.random(in: bytes.indices)] = UInt8.random(in: 0...255)
            }
            try? parser.parse(bytes.span) { _ in true }
            try? parser.parse(bytes.span) { _ in true }
        }
    }
}
