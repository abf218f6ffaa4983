// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletWire
import Testing

struct WebSocketDecoderTests {
    private static func frame(
        _ opcode: WebSocketOpcode, _ payload: String, isFinal: Bool = true, mask: UInt32 = 0x37FA_213D
    ) -> [UInt8] {
        WebSocketFrame.encodeMasked(opcode, payload: Array(payload.utf8), mask: mask, isFinal: isFinal)
    }

    /// RFC 6455 section 5.7: as a client reads a server's frames, and a server a client's.
    @Test func examplesOfTheStandard() {
        let client = { (hex: String) in WebSocketTranscript.of([UInt8](hex: hex), role: .client) }
        let server = { (hex: String) in WebSocketTranscript.of([UInt8](hex: hex)) }
        #expect(client("81 05 48 65 6c 6c 6f") == ["text Hello"])
        #expect(server("81 85 37 fa 21 3d 7f 9f 4d 51 58") == ["text Hello"])
        #expect(client("01 03 48 65 6c 80 02 6c 6f") == ["joined text Hello"])
        #expect(client("89 05 48 65 6c 6c 6f") == ["ping 48656c6c6f"])
        #expect(server("8a 85 37 fa 21 3d 7f 9f 4d 51 58") == ["pong 48656c6c6f"])
        #expect(client("82 7E 0100" + String(repeating: "00", count: 256)) == ["binary of 256"])
        let large = WebSocketTranscript.of(
            [UInt8](hex: "82 7F 0000000000010000") + [UInt8](repeating: 0, count: 65_536), role: .client)
        #expect(large == ["binary of 65536"])
    }

    private static let conversation: (input: [UInt8], lines: [String]) = (
        frame(.text, "") + frame(.text, "héllo €") + frame(.binary, "\u{1}\u{2}") + frame(.ping, "p")
            + frame(.text, "one ", isFinal: false) + frame(.ping, "") + frame(.continuation, "", isFinal: false)
            + frame(.continuation, "twö", isFinal: false) + frame(.pong, "q") + frame(.continuation, "!")
            + frame(.text, String(repeating: "x", count: 126)) + frame(.binary, "", isFinal: false)
            + frame(.continuation, "zz")
            + WebSocketFrame.encodeMasked(
                .close, payload: WebSocketFrame.closePayload(code: 4001, reason: "bye"), mask: 1)
            + frame(.text, "after"),
        [
            "text ", "text héllo €", "binary 0102", "ping 70", "ping ", "pong 71", "joined text one twö!",
            "text of 126", "joined binary zz", "close 4001 bye",
        ]
    )

    @Test func aConversationIsRead() {
        #expect(WebSocketTranscript.of(Self.conversation.input) == Self.conversation.lines)
    }

    @Test func cutAnywhereItIsTheSame() {
        for feed in Feed.ways(Self.conversation.input.count) {
            #expect(WebSocketTranscript.of(Self.conversation.input, feed: feed) == Self.conversation.lines)
        }
    }

    /// Cutting the text itself, at every byte of every character, must not matter either.
    @Test func fragmentsMayCutCharacters() {
        let text = Array("aé€😀b\u{10FFFF}".utf8)
        for first in 0...text.count {
            for second in first...text.count {
                let parts = [text[..<first], text[first..<second], text[second...]].map { Array($0) }
                let input =
                    WebSocketFrame.encodeMasked(.text, payload: parts[0], mask: 7, isFinal: false)
                    + WebSocketFrame.encodeMasked(.continuation, payload: parts[1], mask: 0xFFFF_0001, isFinal: false)
                    + WebSocketFrame.encodeMasked(.continuation, payload: parts[2], mask: 0)
                #expect(WebSocketTranscript.of(input) == ["joined text \(text.text)"])
            }
        }
    }

    @Test(arguments: [
        ("c1 80 00000000", "violation 1002 reservedBits"), ("a1 80 00000000", "violation 1002 reservedBits"),
        ("91 80 00000000", "violation 1002 reservedBits"), ("83 80 00000000", "violation 1002 reservedOpcode"),
        ("8b 80 00000000", "violation 1002 reservedOpcode"), ("8f 80", "violation 1002 reservedOpcode"),
        ("09 80 00000000", "violation 1002 fragmentedControl"), ("08", "violation 1002 fragmentedControl"),
        ("89 fe", "violation 1002 longControl"), ("88 ff", "violation 1002 longControl"),
        ("81 05 48 65 6c 6c 6f", "violation 1002 notMasked"), ("89 00", "violation 1002 notMasked"),
        ("81 fe 007d", "violation 1002 longLength"), ("81 fe 0000", "violation 1002 longLength"),
        ("81 ff 000000000000ffff", "violation 1002 longLength"),
        ("81 ff 8000000000000000", "violation 1002 hugeLength"),
        ("82 ff ffffffffffffffff", "violation 1002 hugeLength"),
        ("82 ff 7fffffffffffffff", "violation 1009 tooBig"), ("82 ff 0000000100000000", "violation 1009 tooBig"),
        ("80 80 00000000", "violation 1002 unexpectedContinuation"),
        ("00 80 00000000", "violation 1002 unexpectedContinuation"),
        ("01 80 00000000 81 80 00000000", "violation 1002 expectedContinuation"),
        ("01 80 00000000 82 80 00000000", "violation 1002 expectedContinuation"),
        ("88 81 00000000 03", "violation 1002 closeLength"), ("88 82 00000000 0000", "violation 1002 closeCode"),
        ("88 83 00000000 03e8 ff", "violation 1007 closeReason"),
        ("88 83 00000000 03e8 c3", "violation 1007 closeReason"),
        ("81 81 00000000 ff", "violation 1007 text"), ("81 81 00000000 c3", "violation 1007 text"),
        ("01 81 00000000 c0", "violation 1007 text"), ("01 81 00000000 c3 80 81 00000000 41", "violation 1007 text"),
        ("01 81 00000000 c3 80 80 00000000", "violation 1007 text"),
        ("88 80 00000000", "close - "), ("88 82 00000000 03e8", "close 1000 "),
    ])
    func endings(_ hex: String, line: String) {
        let input = [UInt8](hex: hex)
        for feed in Feed.ways(input.count) { #expect(WebSocketTranscript.of(input, feed: feed) == [line]) }
    }

    @Test func aClientRefusesMaskedFrames() {
        #expect(WebSocketTranscript.of([0x81, 0x80, 0, 0, 0, 0], role: .client) == ["violation 1002 masked"])
    }

    @Test func closeCodes() {
        let allowed = Set<UInt16>(Array(1000...1003) + Array(1007...1014) + Array(3000...4999))
        for code in UInt16.min...UInt16.max {
            #expect(WebSocketFrame.isCloseCodeAllowed(code) == allowed.contains(code))
        }
    }

    @Test func theBoundIsOfTheWholeMessage() {
        let read = { (input: [UInt8]) in WebSocketTranscript.of(input, messageBytesMax: 8) }
        #expect(read(Self.frame(.text, "12345678")) == ["text 12345678"])
        #expect(read(Self.frame(.text, "123456789")) == ["violation 1009 tooBig"])
        // The header is enough to refuse, before its mask has come.
        #expect(read(Array(Self.frame(.text, "123456789").prefix(2))) == ["violation 1009 tooBig"])
        let parts = Self.frame(.text, "1234", isFinal: false) + Self.frame(.ping, "123456789")
        #expect(read(parts + Self.frame(.continuation, "5678")) == ["ping 313233343536373839", "joined text 12345678"])
        #expect(read(parts + Self.frame(.continuation, "56789")).last == "violation 1009 tooBig")
        // The count begins again with each message.
        let twice = parts + Self.frame(.continuation, "5678")
        #expect(read(twice + twice).filter { $0.hasPrefix("joined") }.count == 2)
    }

    @Test func whatIsWantedIsKnownFromTheHeader() {
        var decoder = WebSocketDecoder()
        var bytes = Array(Self.frame(.text, String(repeating: "x", count: 60_000)).prefix(9))
        var span = bytes.mutableSpan
        let event = decoder.next(&span, from: 0, messageBytesMax: 65_536)
        #expect(event == .needMore(total: 60_008))
        var none: [UInt8] = []
        var empty = none.mutableSpan
        let first = decoder.next(&empty, from: 0, messageBytesMax: 65_536)
        let beyond = decoder.next(&empty, from: 9, messageBytesMax: 65_536)
        #expect(first == .needMore(total: 2) && beyond == .needMore(total: 2))
    }

    @Test func theStateIsSmall() {
        #expect(MemoryLayout<WebSocketDecoder>.size <= 16)
    }

    @Test func everyViolationSaysWhy() {
        for violation in WebSocketViolation.allCases {
            #expect([1002, 1007, 1009].contains(violation.code))
            #expect(violation.reason.utf8.count <= 123)
        }
    }

    /// Valid conversations of random frames, cut at random: read as they were written.
    @Test func randomConversations() {
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<5_000 {
            var input: [UInt8] = []
            var expected: [String] = []
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let payload = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
                    UInt8.random(in: 0...0x7F, using: &generator)
                }
                let mask = UInt32.random(in: 0...UInt32.max, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0:
                    input += WebSocketFrame.encodeMasked(.text, payload: payload, mask: mask)
                    expected.append("text \(payload.text)")
                case 1:
                    input += WebSocketFrame.encodeMasked(.ping, payload: payload, mask: mask)
                    expected.append("ping \(payload.hex)")
                default:
                    let cut = Int.random(in: 0...payload.count, using: &generator)
                    let (head, tail) = (Array(payload[..<cut]), Array(payload[cut...]))
                    input += WebSocketFrame.encodeMasked(.binary, payload: head, mask: mask, isFinal: false)
                    input += WebSocketFrame.encodeMasked(.continuation, payload: tail, mask: ~mask)
                    expected.append("joined binary \(payload.text)")
                }
            }
            let feed = Feed(
                first: Int.random(in: 1...input.count, using: &generator),
                rest: Int.random(in: 1...9, using: &generator))
            let lines = WebSocketTranscript.of(input, feed: feed)
            #expect(lines == expected)
        }
    }

    @Test func randomBytesNeverTrap() {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<50_000 {
            var input = generator.bytes(Int.random(in: 0..<40, using: &generator))
            // Half of them begin like a frame, so that more than the first check is reached.
            if input.count > 2, Bool.random(using: &generator) {
                input[0] = [0x81, 0x01, 0x82, 0x88, 0x89, 0x80][Int(input[0]) % 6]
                input[1] |= 0x80
            }
            let whole = WebSocketTranscript.of(input)
            let cut = WebSocketTranscript.of(input, feed: Feed(first: input.count / 2, rest: 3))
            #expect(whole == cut)
        }
    }
}
