// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol
import Testing

struct JSONWriterTests {
    @Test func commasAreWhereTheyBelong() {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("a", "x")
        writer.key("b")
        writer.beginArray()
        writer.integer(Int64(-1))
        writer.integer(UInt64.max)
        writer.beginObject()
        writer.endObject()
        writer.beginArray()
        writer.endArray()
        writer.boolean(true)
        writer.null()
        writer.endArray()
        writer.member("c", raw: bytes("[1]"))
        writer.member("none", ifAny: "")
        writer.member("none", ifAny: nil as String?)
        writer.member("none", ifAny: [UInt8]())
        writer.member("none", ifNotZero: 0)
        writer.member("none", ifTrue: false)
        writer.member("d", ifTrue: true)
        writer.endObject()
        #expect(text(writer.bytes) == #"{"a":"x","b":[-1,18446744073709551615,{},[],true,null],"c":[1],"d":true}"#)
    }

    @Test func integers() {
        for value in [0, 9, 10, 99, 100, -1, -10, .max, .min] as [Int64] {
            var writer = JSONWriter()
            writer.integer(value)
            #expect(text(writer.bytes) == String(value))
        }
    }

    @Test func doublesReadBackTheSame() {
        for value in [
            0, -0.5, 1.5, 1_767_225_600.123, 1e20, 1e-9, .leastNonzeroMagnitude, 1.7976931348623157e308, -3, 0.1,
        ] {
            var writer = JSONWriter()
            writer.double(value)
            #expect(JSONScanner.document(writer.bytes.span)?.double(in: writer.bytes.span) == value)
        }
        for value in [Double.nan, .infinity, -.infinity] {
            var writer = JSONWriter()
            writer.double(value)
            #expect(text(writer.bytes) == "null")
        }
    }

    @Test func stringsReadBackTheSame() {
        var samples = ["", "plain", "\"\\/", "\u{8}\u{C}\n\r\t", "é€😀", "\u{7F}\u{2028}", "a\u{0}b"]
        samples.append(String(String.UnicodeScalarView((0..<0x250).compactMap(Unicode.Scalar.init))))
        for sample in samples {
            var writer = JSONWriter()
            writer.string(sample)
            #expect(JSONScanner.document(writer.bytes.span)?.string(in: writer.bytes.span) == sample)
            #expect(!writer.bytes.contains { $0 < 0x20 })
        }
    }

    @Test func continuesAfterWhatIsThere() {
        var writer = JSONWriter(appendingTo: bytes("{}\n"))
        writer.beginObject()
        writer.member("a", UInt32(1))
        writer.endObject()
        #expect(text(writer.bytes) == "{}\n{\"a\":1}")
    }
}
