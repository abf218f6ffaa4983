// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol
import Testing

struct PayloadTests {
    @Test(arguments: [
        ("{}", "{}"), (#"{"a":"b\n"}"#, #"{"a":"b\n"}"#),
        ("{\n\t\"a\": 1,\r\n\"b\":[\n]\n}\n", "{\t\"a\": 1,\"b\":[]}"),
        ("42", "42"), ("\n1\r\n", "1"), ("null", "null"), (#""x""#, #""x""#),
        ("", #""""#), ("hello", #""hello""#), ("two\nlines", #""two\nlines""#), ("say \"hi\" \\", #""say \"hi\" \\""#),
        ("{", #""{""#), ("1 2", #""1 2""#), ("é€😀", "\"é€😀\""), ("\u{0}\u{1B}", #""\u0000\u001b""#),
        ("\u{FEFF}{}", "\"\u{FEFF}{}\""),
    ])
    func becomesJSONOnOneLine(_ input: String, _ expected: String) {
        let original = bytes(input)
        #expect(Payload.normalize(original.span).map(text) == expected)
        #expect(Payload.normalize(original).map(text) == expected)
    }

    @Test(arguments: [[0xFF], [0x22, 0xC0, 0x80, 0x22], [0x00, 0x80], [0x7B, 0xED, 0xA0, 0x80]] as [[UInt8]])
    func bytesThatAreNoTextAreDropped(_ input: [UInt8]) {
        #expect(Payload.normalize(input.span) == nil)
        #expect(Payload.normalize(input) == nil)
    }

    @Test func jsonTooDeepIsDroppedRatherThanQuoted() {
        let input = bytes(String(repeating: "[", count: 65) + String(repeating: "]", count: 65))
        #expect(Payload.normalize(input.span) == nil)
        #expect(Payload.normalize(input) == nil)
    }

    /// Whatever goes in, what comes out is JSON on one line, and stays as it is when it enters another node.
    @Test func isStable() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<20_000 {
            let input = mutate(bytes("{\"a\":[1,\n\"é\"],\"b\":\"x\\n\"}"), using: &generator)
            guard let once = Payload.normalize(input.span) else { continue }
            if JSONScanner.document(once.span) == nil || once.contains(0x0A) || once.contains(0x0D) {
                Issue.record("\(input)")
            }
            if Payload.normalize(once.span) != once || Payload.normalize(input) != once { Issue.record("\(input)") }
        }
    }
}
