// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletWire
import Testing

struct WebSocketFrameTests {
    @Test(arguments: [
        (0, "8100"), (125, "817d"), (126, "817e007e"), (65_535, "817effff"), (65_536, "817f0000000000010000"),
    ])
    func lengthsAreInTheirShortestForm(_ count: Int, header: String) {
        let frame = WebSocketFrame.encode(.text, payload: [UInt8](repeating: 0x61, count: count))
        #expect(Array(frame.dropLast(count)).hex == header)
        var appended: [UInt8] = []
        WebSocketFrame.appendHeader(.text, payloadLength: count, to: &appended)
        #expect(appended.hex == header)
        let read = WebSocketTranscript.of(frame, role: .client, messageBytesMax: 1_000_000)
        #expect(read.count == 1 && read.first?.hasPrefix("text") == true)
    }

    @Test func closeFramesFitAControlFrame() {
        #expect(WebSocketFrame.close(code: 1000).hex == "880203e8")
        let payload = WebSocketFrame.closePayload(code: 3001, reason: String(repeating: "é", count: 100))
        // 2 bytes of code and 61 whole characters.
        #expect(payload.count == 124)
        #expect(String(validating: payload.dropFirst(2), as: UTF8.self) != nil)
        #expect(
            WebSocketTranscript.of(WebSocketFrame.close(code: 4500, reason: "x"), role: .client) == ["close 4500 x"])
    }

    @Test func whatAClientWritesAServerReads() {
        for count in [0, 1, 2, 3, 4, 5, 125, 126, 60_000] {
            let payload = (0..<count).map { UInt8($0 % 128) }
            var frame = WebSocketFrame.encodeMasked(.text, payload: payload, mask: 0xA1B2_C3D4)
            var decoder = WebSocketDecoder()
            var span = frame.mutableSpan
            let event = decoder.next(&span, from: 0, messageBytesMax: 65_536)
            guard case .message(.text, let range, let end) = event else {
                Issue.record("\(count): \(event)")
                continue
            }
            #expect(Array(frame[range]) == payload && end == frame.count)
        }
    }
}
