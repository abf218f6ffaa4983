// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletWire
import Testing

struct EventStreamTests {
    @Test func eventsAreWritten() {
        let event = { (name: String?, id: String?, data: String) in
            EventStreamEncoder.event(name: name, id: id, data: Array(data.utf8)).text
        }
        #expect(event(nil, nil, "x") == "data: x\n\n")
        #expect(event("a", nil, "x") == "event: a\ndata: x\n\n")
        #expect(event("a", "7", "") == "event: a\nid: 7\ndata: \n\n")
        #expect(event(nil, nil, "1\n2\r\n3\r4\n") == "data: 1\ndata: 2\ndata: 3\ndata: 4\ndata: \n\n")
        #expect(event(nil, nil, "\r\r\n") == "data: \ndata: \ndata: \n\n")
        #expect(event("a\nid: 9", nil, "x") == "event: aid: 9\ndata: x\n\n")
        #expect(EventStreamEncoder.idLine("a\u{0}b\r\nc").text == "id: abc\n")
        #expect(EventStreamEncoder.retry(milliseconds: 1_500).text == "retry: 1500\n\n")
        #expect(EventStreamEncoder.retry(milliseconds: -1).text == "retry: 0\n\n")
        #expect(EventStreamEncoder.comment().text == ":\n")
        #expect(EventStreamEncoder.comment("keep\nalive").text == ":keepalive\n")
    }

    @Test func anIDMayFollowWhatIsShared() {
        let shared = EventStreamEncoder.event(data: Array("x".utf8), isComplete: false)
        let end = EventStreamEncoder.end(id: "7")
        #expect(shared.text == "data: x\n" && end.text == "id: 7\n\n")
        #expect(Self.read((shared + end).text) == ["message [7] x"])
        // By itself it is no event, but counts for those that follow.
        #expect(Self.read((end + EventStreamEncoder.event(data: Array("y".utf8))).text) == ["message [7] y"])
    }

    /// The examples of the WHATWG standard, section 9.2.6.
    @Test func examplesOfTheStandard() {
        #expect(Self.read("data: YHOO\ndata: +2\ndata: 10\n\n") == ["message [] YHOO|+2|10"])
        #expect(
            Self.read(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n")
                == ["comment", "message [1] first event", "message [] second event", "message []  third event"])
        #expect(Self.read("data\n\ndata\ndata\n\ndata:") == ["message [] ", "message [] |"])
        #expect(Self.read("data:test\n\ndata: test\n\n") == ["message [] test", "message [] test"])
    }

    @Test(
        arguments: [
            ("\u{FEFF}data: x\n\n", ["message [] x"]),
            ("data: x\r\rdata: y\r\n\r\n", ["message [] x", "message [] y"]),
            ("event: a\n\ndata: x\n\n", ["message [] x"]), ("event: a\ndata: x\n\n", ["a [] x"]),
            ("retry: 10\nretry: x1\nretry:\n", ["retry 10"]), ("id: 1\u{0}\ndata: x\n\n", ["message [] x"]),
            ("other: 1\ndata: x\n\n", ["message [] x"]), ("\n\n\n", []), ("data: x\n", []),
            ("retry: 99999999999999999999\n", []),
        ] as [(String, [String])])
    func lines(_ text: String, expected: [String]) {
        #expect(Self.read(text) == expected)
    }

    @Test func whatIsWrittenIsReadCutAnywhere() {
        let stream =
            EventStreamEncoder.retry(milliseconds: 10) + EventStreamEncoder.idLine("a1")
            + EventStreamEncoder.event(name: "chat", data: Array("one\r\ntwo\rthree".utf8))
            + EventStreamEncoder.comment() + EventStreamEncoder.event(id: "2", data: Array("{\"ü\":1}".utf8))
        let expected = ["retry 10", "chat [a1] one|two|three", "comment", "message [2] {\"ü\":1}"]
        for feed in Feed.ways(stream.count) {
            var parser = EventStreamParser()
            var events: [EventStreamParser.Event] = []
            feed.run(stream) { kept in
                parser.feed(kept.span, into: &events)
                return kept.count
            }
            #expect(events.map(Self.show) == expected)
        }
    }

    @Test func memoryIsBounded() {
        var parser = EventStreamParser(bytesMax: 16)
        var events: [EventStreamParser.Event] = []
        let line = Array("data: 123456789\ndata: 123456789\n".utf8)
        parser.feed(line.span, into: &events)
        #expect(events == [.tooLong])
    }

    @Test func randomBytesNeverTrap() {
        var generator = SeededGenerator(seed: 7)
        let alphabet = Array("data: \n\r\nid:\u{0}event retry:09".utf8) + [0xFF, 0xEF, 0xBB, 0xBF]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<48, using: &generator)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
            }
            var (whole, cut) = (EventStreamParser(bytesMax: 64), EventStreamParser(bytesMax: 64))
            var (all, some): ([EventStreamParser.Event], [EventStreamParser.Event]) = ([], [])
            whole.feed(bytes.span, into: &all)
            Feed(first: 3, rest: 5).run(bytes) { kept in
                cut.feed(kept.span, into: &some)
                return kept.count
            }
            #expect(all == some)
        }
    }

    private static func read(_ text: String) -> [String] {
        var parser = EventStreamParser()
        var events: [EventStreamParser.Event] = []
        let bytes = Array(text.utf8)
        parser.feed(bytes.span, into: &events)
        return events.map(Self.show)
    }

    private static func show(_ event: EventStreamParser.Event) -> String {
        switch event {
        case .event(let name, let data, let id):
            "\(name) [\(id)] \(data.map { $0 == 10 ? UInt8(ascii: "|") : $0 }.text)"
        case .retry(let milliseconds): "retry \(milliseconds)"
        case .comment: "comment"
        case .tooLong: "too long"
        }
    }
}
