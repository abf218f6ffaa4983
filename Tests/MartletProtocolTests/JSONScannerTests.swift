// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol
import Testing

struct JSONScannerTests {
    @Test(arguments: [
        "null", "true", "false", "0", "-0", "1", "-1", "10", "1.5", "-0.0", "1e5", "1E+5", "1e-5", "0e0",
        "123456789012345678901",
        #""""#, #""a""#, #""\"\\\/\b\f\n\r\t""#, #""\u0041""#, #""\uD83D\uDE00""#, #""\uD800""#, "\"\u{7F}\"",
        "\"\u{80}\"",
        "\"\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}\"", "{}", "[]", "[[]]", "[1,2]", " [ 1 , 2 ] ", "\t\r\n{\n}\n",
        #"{"":0}"#, #"{"a":{"b":[{}]},"c":[]}"#, #"{"a":1,"a":2}"#, #"[null,true,false,"",0,{},[]]"#, "[1]\r\n",
    ])
    func validTexts(_ json: String) {
        let input = bytes(json)
        #expect(JSONScanner.document(input.span) != nil)
    }

    @Test(arguments: [
        "", " ", "nul", "nulll", "True", "truefalse", "+1", "01", "-", "-01", ".5", "1.", "1.e1", "1e", "1e+", "0x1",
        "1 2",
        "NaN", "Infinity", "-Infinity", "1a", #"""#, #""a"#, #"'a'"#, #""\"#, #""\x""#, #""\u""#, #""\u12""#,
        #""\u12G4""#,
        #""\U0041""#, "\"\n\"", "\"\t\"", "\"\u{0}\"", "\"\u{1F}\"", "{", "}", "[", "]", "[1", "[1,", "[1,]", "[,1]",
        "[1 2]",
        "[1,,2]", "{]", "[}", "{1:2}", "{a:1}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{,"a":1}"#, #"{"a" 1}"#,
        #"{"a":1 "b":2}"#, #"{"a":1;"b":2}"#, #"{"a":1}}"#, "[]]", "[1]x", "//", "[/**/]", "\u{FEFF}{}", "\u{A0}1",
        "\u{0C}1", ",", ":",
    ])
    func invalidTexts(_ json: String) {
        let input = bytes(json)
        #expect(JSONScanner.document(input.span) == nil)
    }

    /// Bytes inside a string that are not UTF-8: stray, overlong, surrogates, beyond U+10FFFF, cut.
    @Test(
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
            [0xE1, 0x80],
            [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF1, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF], [0xE2, 0x28, 0xA1], [0xE2, 0x82, 0x28],
            [0xF0, 0x90, 0x28, 0xBC], [0xF0, 0x90, 0x8C, 0x28],
        ] as [[UInt8]])
    func invalidUTF8(_ sequence: [UInt8]) {
        let input = bytes("\"") + sequence + bytes("\"")
        #expect(JSONScanner.document(input.span) == nil)
        let cut = bytes("\"") + sequence
        #expect(JSONScanner.document(cut.span) == nil)
    }

    /// Every sequence of one to three bytes with a lead beyond ASCII agrees with the standard library's verdict.
    @Test func everyShortSequenceAgreesWithTheStandardLibrary() {
        var checked = 0
        for lead in UInt8(0x80)...UInt8(0xFF) {
            for second in UInt8.min...UInt8.max where second & 0x0F == 0 || second & 0x0F == 0x0F {
                for third in [0x7E, 0x80, 0xBF, 0xC0] as [UInt8] {
                    for fourth in [0x7E, 0x80, 0xBF] as [UInt8] {
                        let sequence = [lead, second, third, fourth]
                        // What ends or escapes the string is another matter.
                        guard second >= 0x20, second != 0x22, second != 0x5C else { continue }
                        let input = bytes("\"") + sequence + bytes("\"")
                        let isValid = String(validating: sequence, as: UTF8.self) != nil
                        if (JSONScanner.document(input.span) != nil) != isValid { Issue.record("\(sequence)") }
                        checked += 1
                    }
                }
            }
        }
        #expect(checked > 40_000)
    }

    @Test func depthIsBounded() {
        func nested(_ depth: Int, _ open: String, _ close: String) -> [UInt8] {
            bytes(String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth))
        }
        for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
            let deepest = nested(64, open, close)
            #expect(JSONScanner.document(deepest.span) != nil)
            let tooDeep = nested(65, open, close)
            #expect(JSONScanner.scanDocument(tooDeep.span) == .tooDeep)
            let absurd = nested(100_000, open, close)
            #expect(JSONScanner.scanDocument(absurd.span) == .tooDeep)
        }
        let mixed = bytes(String(repeating: #"[{"a":"#, count: 32) + "1" + String(repeating: "}]", count: 32))
        #expect(JSONScanner.document(mixed.span) != nil)
        let wide = bytes("[" + String(repeating: "[],{},", count: 10_000) + "1]")
        #expect(JSONScanner.document(wide.span) != nil)
        let crossed = bytes(#"[{"a":1]}"#)
        #expect(JSONScanner.document(crossed.span) == nil)
    }

    @Test func truncationIsNeverValid() {
        let input = bytes(#"{"a":[1,-2.5e+3,"x\u00e9\n€😀",true,false,null],"b":{"c":{}}}"#)
        for length in 0..<input.count {
            #expect(JSONScanner.document(input.span.extracting(first: length)) == nil)
        }
        #expect(JSONScanner.document(input.span) != nil)
    }

    @Test func membersInOrder() {
        let input = bytes(#" { "a" : 1 , "b\n" : [ 2 , {"c":3} ] , "" : "x" } "#)
        guard let document = JSONScanner.document(input.span) else { return #expect(Bool(false)) }
        var found: [(String?, String)] = []
        var members = document.members
        while let member = members.next(in: input.span) {
            found.append((member.key.string(in: input.span), text(member.value.raw(in: input.span))))
        }
        #expect(found.map(\.0) == ["a", "b\n", ""])
        #expect(found.map(\.1) == ["1", #"[ 2 , {"c":3} ]"#, #""x""#])
        #expect(!members.isMalformed)
        var none = document.elements
        #expect(none.next(in: input.span) == nil)
    }

    @Test func elementsInOrder() {
        let input = bytes(#"[ 1 ,"two", [3] , {} ,null ]"#)
        guard let document = JSONScanner.document(input.span) else { return #expect(Bool(false)) }
        var found: [String] = []
        var elements = document.elements
        while let element = elements.next(in: input.span) { found.append(text(element.raw(in: input.span))) }
        #expect(found == ["1", #""two""#, "[3]", "{}", "null"])
        var none = document.members
        #expect(none.next(in: input.span) == nil)
    }

    /// Walking over an object's members is as strict as validating it first.
    @Test func walkAgreesWithValidation() {
        let samples = [
            #"{"a":1,"b":[true,{"c":"d"}],"e":{}}"#, "{}", " { } ", #"{"a":"\u00e9€"}"#,
        ]
        var generator = SeededGenerator(seed: 7)
        for sample in samples {
            for _ in 0..<5_000 {
                let input = mutate(bytes(sample), using: &generator)
                let expected = JSONScanner.document(input.span).map { $0.kind == .object } ?? false
                var isValid = false
                if let object = JSONScanner.unvalidatedObject(input.span) {
                    var members = object.members
                    while members.next(in: input.span) != nil {}
                    isValid = !members.isMalformed
                }
                if isValid != expected { Issue.record("\(text(input))") }
            }
        }
    }

    /// A value read with another text than its own reads nothing, or something else, but comes back.
    @Test func foreignTextIsHarmless() {
        let input = bytes(#"{"abc":"defghi","n":12345678,"t":true}"#)
        guard let document = JSONScanner.document(input.span) else { return #expect(Bool(false)) }
        for other in ["", "{", #"{"a"#, String(repeating: "é", count: 30), String(repeating: "\\", count: 60)] {
            let foreign = bytes(other)
            var members = document.members
            while let member = members.next(in: foreign.span) { _ = member.name(in: foreign.span) }
            members = document.members
            while let member = members.next(in: input.span) {
                _ = member.value.raw(in: foreign.span)
                _ = member.value.string(in: foreign.span)
                _ = member.value.double(in: foreign.span)
                _ = member.value.int64(in: foreign.span)
                _ = member.value.boolean(in: foreign.span)
            }
        }
    }
}
