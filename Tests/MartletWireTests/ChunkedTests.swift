// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletWire
import Testing

struct ChunkedTests {
    @Test func chunksAreWritten() {
        #expect(ChunkedEncoding.chunk(Array("hello".utf8)).text == "5\r\nhello\r\n")
        #expect(ChunkedEncoding.chunk([UInt8](repeating: 97, count: 255)).text.hasPrefix("ff\r\n"))
        #expect(ChunkedEncoding.chunk([]) == [])
        #expect(ChunkedEncoding.last.text == "0\r\n\r\n")
    }

    private static let body: (input: String, lines: String) = (
        "5\r\nhello\r\n001;name=\"v\" \r\n,\r\nA \r\n wide worl\r\n1\r\nd\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\nrest",
        "hello, wide world"
    )

    @Test func bodiesAreReadCutAnywhere() {
        let input = Array(Self.body.input.utf8)
        for feed in Feed.ways(input.count) {
            let (text, ending) = Self.read(input, feed)
            #expect(text == Self.body.lines && ending == "finished")
        }
    }

    @Test func nothingBeyondTheEndIsTaken() {
        let input = Array("0\r\n\r\nGET".utf8)
        var decoder = ChunkedDecoder()
        let event = decoder.next(input.span, from: 0)
        #expect(event == .finished(end: 5))
    }

    @Test(arguments: [
        "\r\n", "g\r\n", "-1\r\n", ";x\r\n", "5\nhello", "5\r\nhelloX", "5\r\nhello\rX", "5\r\nhello\nX", "1 \n",
        "123456789\r\n", "0x5\r\n", "5 5\r\u{0}", "0\r\n\rX", "0\r\nA: b\rX", "0\r\n\u{0}", "0\r\n\n",
    ])
    func refuses(_ text: String) {
        let input = Array(text.utf8)
        for feed in Feed.ways(input.count) { #expect(Self.read(input, feed).ending == "invalid") }
    }

    @Test func extensionsAndTrailersAreBounded() {
        let long = String(repeating: "x", count: 9_000)
        for text in ["1;\(long)", "0\r\n\(long)"] {
            let input = Array(text.utf8)
            #expect(Self.read(input, Feed(first: input.count, rest: 1)).ending == "invalid")
        }
    }

    @Test func randomBytesNeverTrap() {
        var generator = SeededGenerator(seed: 8)
        let alphabet = Array("0123\r\n\r\n;af: ".utf8) + [0xFF]
        for _ in 0..<40_000 {
            let input = (0..<Int.random(in: 1..<32, using: &generator)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
            }
            let whole = Self.read(input, Feed(first: input.count, rest: 1))
            let cut = Self.read(input, Feed(first: 2, rest: 3))
            #expect(whole.text == cut.text && whole.ending == cut.ending)
        }
    }

    private static func read(_ input: [UInt8], _ feed: Feed) -> (text: String, ending: String) {
        var decoder = ChunkedDecoder()
        var body: [UInt8] = []
        var ending = "open"
        feed.run(input) { kept in
            var offset = 0
            while true {
                switch decoder.next(kept.span, from: offset) {
                case .needMore(let consumed): return consumed
                case .data(let range):
                    body += kept[range]
                    offset = range.upperBound
                case .finished:
                    ending = "finished"
                    return nil
                case .invalid:
                    ending = "invalid"
                    return nil
                }
            }
        }
        return (body.text, ending)
    }
}
