// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletWire
import Testing

/// Well-formed and ill-formed text, after Markus Kuhn's UTF-8 decoder stress test and Unicode table 3-7.
struct WebSocketTextTests {
    @Test(arguments: [
        "", "00", "7f", "c280", "dfbf", "e0a080", "ed9fbf", "ee8080", "efbfbd", "efbfbf", "efb790", "f0908080",
        "f48fbfbf", "cebae1bdb9cf83cebcceb5", "f09f98803031", "31c3a932e282ac33f09f988034", "efbbbf",
    ])
    func wellFormed(_ hex: String) {
        #expect(Self.isAccepted([UInt8](hex: hex)))
        #expect(Self.isAcceptedInFragments([UInt8](hex: hex)))
    }

    @Test(arguments: [
        // Continuations that continue nothing
        "80", "bf", "80bf", "80bf80bf80bf80", "6180",
        // First bytes that nothing follows
        "c3", "e0", "e2", "ed", "f0", "f1", "f4", "c320", "e220", "f020", "e282", "f09f98", "f09f9820", "e28220",
        "c3c3", "e2e2", "c3a9c3",
        // Bytes that never occur
        "fe", "ff", "fefeffff", "f5808080", "f8888080 80", "fc84808080 80", "c0", "c1",
        // Overlong forms
        "c0af", "c1bf", "e080af", "e09fbf", "f08080af", "f08fbfbf", "f8808080af", "c080", "e08080", "f0808080",
        // Surrogates
        "eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf", "eda080edb080",
        // Beyond U+10FFFF
        "f4908080", "f7bfbfbf",
    ])
    func illFormed(_ hex: String) {
        #expect(!Self.isAccepted([UInt8](hex: hex)))
        #expect(!Self.isAcceptedInFragments([UInt8](hex: hex)))
    }

    @Test func theFirstBadByteIsEnough() {
        // The second fragment of an endless message already cannot be: no waiting for the last.
        let input =
            WebSocketFrame.encodeMasked(.text, payload: [0xF0, 0x9F], mask: 3, isFinal: false)
            + WebSocketFrame.encodeMasked(.continuation, payload: [0x41], mask: 3, isFinal: false)
        #expect(WebSocketTranscript.of(input) == ["violation 1007 text"])
    }

    @Test func theStandardLibraryAgrees() {
        var generator = SeededGenerator(seed: 6)
        let alphabet: [UInt8] = [
            0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF,
            0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ]
        for _ in 0..<100_000 {
            let bytes = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
            }
            let isValid = String(validating: bytes, as: UTF8.self) != nil
            if Self.isAccepted(bytes) != isValid { Issue.record("\(bytes.hex)") }
        }
    }

    private static func isAccepted(_ payload: [UInt8]) -> Bool {
        var frame = WebSocketFrame.encodeMasked(.text, payload: payload, mask: 0x1234_5678)
        var decoder = WebSocketDecoder()
        var span = frame.mutableSpan
        let event = decoder.next(&span, from: 0, messageBytesMax: 1_024)
        guard case .message(.text, let range, _) = event else { return false }
        return Array(frame[range]) == payload
    }

    /// Byte by byte, each a fragment of its own.
    private static func isAcceptedInFragments(_ payload: [UInt8]) -> Bool {
        var input: [UInt8] = []
        for (index, byte) in payload.enumerated() {
            input += WebSocketFrame.encodeMasked(
                index == 0 ? .text : .continuation, payload: [byte], mask: UInt32(index), isFinal: false)
        }
        input += WebSocketFrame.encodeMasked(payload.isEmpty ? .text : .continuation, payload: [], mask: 9)
        return WebSocketTranscript.of(input).last?.hasPrefix("violation") == false
    }
}
