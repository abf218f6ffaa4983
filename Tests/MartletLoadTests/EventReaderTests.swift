// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletWire
import Testing

@testable import martlet_load

@Suite("Event streams of the load tool")
struct EventReaderTests {
    private static let stream = "retry: 3\n\n:subscribed\ndata: one\n\nevent: gap\ndata: two\n\n"
    private static let lines = ["retry: 3", ":subscribed", "data: one", "event: gap", "data: two"]

    private func read(_ parts: [[UInt8]], isChunked: Bool) -> ([String], EventReader.Outcome) {
        var reader = EventReader(isChunked: isChunked)
        var lines: [String] = []
        var outcome = EventReader.Outcome.more
        for part in parts {
            outcome = reader.feed(part.span, from: 0) { lines.append($0.text($1)) }
            if outcome != .more { break }
        }
        return (lines, outcome)
    }

    @Test("Lines are the same wherever the bytes are cut", arguments: [false, true])
    func cut(isChunked: Bool) {
        var bytes = Array(Self.stream.utf8)
        // Two chunks, cut inside a line, as an intermediary may.
        if isChunked { bytes = ChunkedEncoding.chunk(Array(bytes[..<15])) + ChunkedEncoding.chunk(Array(bytes[15...])) }
        for index in 0...bytes.count {
            let (lines, outcome) = self.read([Array(bytes[..<index]), Array(bytes[index...])], isChunked: isChunked)
            #expect(lines == Self.lines, "\(index)")
            #expect(outcome == .more)
        }
    }

    @Test("The last chunk ends the stream; what is no chunk is invalid")
    func end() {
        let whole = ChunkedEncoding.chunk(Array("data: x\n\n".utf8)) + ChunkedEncoding.last
        #expect(self.read([whole], isChunked: true) == (["data: x"], .ended))
        #expect(self.read([Array("what?".utf8)], isChunked: true) == ([], .invalid))
    }
}
