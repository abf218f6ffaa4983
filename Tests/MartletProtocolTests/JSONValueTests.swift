// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol
import Testing

struct JSONValueTests {
    private func read<Value>(_ json: String, _ body: (JSONValue, [UInt8]) -> Value?) -> Value? {
        let input = bytes(json)
        return JSONScanner.document(input.span).flatMap { body($0, input) }
    }

    private func string(_ json: String) -> String? { self.read(json) { $0.string(in: $1.span) } }
    private func int64(_ json: String) -> Int64? { self.read(json) { $0.int64(in: $1.span) } }
    private func uint64(_ json: String) -> UInt64? { self.read(json) { $0.uint64(in: $1.span) } }
    private func double(_ json: String) -> Double? { self.read(json) { $0.double(in: $1.span) } }

    @Test func strings() {
        #expect(self.string(#""""#) == "")
        #expect(self.string(#" "plain" "#) == "plain")
        #expect(self.string(#""\"\\\/\b\f\n\r\t""#) == "\"\\/\u{8}\u{C}\n\r\t")
        #expect(self.string(#""\u0000\u001f\u00E9\u20ac""#) == "\u{0}\u{1F}é€")
        #expect(self.string(#""\uD83D\uDE00!""#) == "😀!")
        #expect(self.string(#""\uDBFF\uDFFF""#) == "\u{10FFFF}")
        #expect(self.string("\"é€😀\"") == "é€😀")
        #expect(self.string("1") == nil)
    }

    /// Text that two writers could mean differently names nobody.
    @Test(arguments: [
        #""\uD800""#, #""\uDC00""#, #""\uD800x""#, #""\uD800\n""#, #""\uD800\u0041""#, #""\uD800\uD800""#,
        #""\uDC00\uD800""#,
        #""a\uD83D""#,
    ])
    func halfSurrogates(_ json: String) {
        #expect(self.read(json) { value, _ in value.kind } == .string)
        #expect(self.string(json) == nil)
    }

    @Test func integers() {
        #expect(self.int64("0") == 0)
        #expect(self.int64("-0") == 0)
        #expect(self.int64("9223372036854775807") == .max)
        #expect(self.int64("9223372036854775808") == nil)
        #expect(self.int64("-9223372036854775808") == .min)
        #expect(self.int64("-9223372036854775809") == nil)
        #expect(self.uint64("18446744073709551615") == .max)
        #expect(self.uint64("18446744073709551616") == nil)
        #expect(self.uint64("99999999999999999999") == nil)
        #expect(self.uint64("100000000000000000000000") == nil)
        for other in ["-1", "1.0", "1e2", "\"1\"", "true", "null"] { #expect(self.uint64(other) == nil) }
        for other in ["1.0", "1e2", "\"1\"", "[]"] { #expect(self.int64(other) == nil) }
    }

    @Test func doubles() {
        #expect(self.double("0") == 0)
        #expect(self.double("-12") == -12)
        #expect(self.double("1767225600.25") == 1_767_225_600.25)
        #expect(self.double("1e3") == 1_000)
        #expect(self.double("9007199254740993") == 9_007_199_254_740_992)
        #expect(self.double("1e308") == 1e308)
        #expect(self.double("1e309") == nil)
        #expect(self.double("-1e999") == nil)
        #expect(self.double("1e-999") == 0)
        #expect(self.double("0.1") == 0.1)
        #expect(self.double("\"1\"") == nil)
        #expect(self.double(String(repeating: "1", count: 2_000)) == nil)
    }

    @Test func booleans() {
        #expect(self.read("true") { $0.boolean(in: $1.span) } == true)
        #expect(self.read("false") { $0.boolean(in: $1.span) } == false)
        #expect(self.read("null") { $0.boolean(in: $1.span) } == nil)
    }

    @Test func rawIsOnOneLine() {
        #expect(
            self.read("{\"a\":\r\n [1,\n2] }") { value, input in text(value.raw(in: input.span)) } == #"{"a": [1,2] }"#)
    }

    /// A name too long to be of a protocol is none of them.
    @Test func longNames() {
        let input = bytes(#"{"\#(String(repeating: "k", count: 33))":1,"\#(String(repeating: "k", count: 32))":2}"#)
        guard let document = JSONScanner.document(input.span) else { return #expect(Bool(false)) }
        var members = document.members
        #expect(members.next(in: input.span)?.name(in: input.span) == "")
        #expect(members.next(in: input.span)?.name(in: input.span) == String(repeating: "k", count: 32))
    }
}
