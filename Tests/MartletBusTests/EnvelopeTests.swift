// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletBus
import MartletCore
import Testing

struct EnvelopeTests {
    private let publications = [
        Publication(channel: "a", data: Array("{}".utf8), time: 1_700_000_000.25),
        Publication(channel: "a", data: Array("1".utf8), info: Array(#"{"user":"u"}"#.utf8)),
        Publication(channel: "a", data: Array(repeating: 0x20, count: 100_000), info: [], time: 0),
    ]

    @Test func comesBackAsItWas() throws {
        for publication in self.publications {
            let bytes = Envelope.encode(publication)
            #expect(Envelope.isEnvelope(bytes))
            #expect(try Envelope.decode(bytes, channel: "a") == publication)
        }
    }

    @Test func carriesJoinsAndTags() throws {
        var tagged = Publication(channel: "a", data: Array("1".utf8), info: Array("{}".utf8), time: 1)
        tagged.tags = Array(#"{"k":"v"}"#.utf8)
        var join = Publication(channel: "a", data: [], info: Array("{}".utf8))
        join.kind = .join
        var leave = Publication(channel: "a", data: [])
        leave.kind = .leave
        var binary = Publication(channel: "a", data: [0xFF, 0])
        binary.isBinary = true
        for publication in [tagged, join, leave, binary] {
            #expect(try Envelope.decode(Envelope.encode(publication), channel: "a") == publication)
        }
    }

    @Test func standsBehindItsPosition() throws {
        let position: [UInt8] = [0, 2, 0, 0, 0, 0, 0, 0, 1, 2, 4] + Array("epoc".utf8)
        for var publication in self.publications {
            let bytes = position + Envelope.encode(publication)
            publication.offset = 258
            publication.epoch = "epoc"
            #expect(Envelope.isEnvelope(bytes))
            #expect(try Envelope.decode(bytes, channel: "a") == publication)
            for count in 2..<(position.count + 11) {
                #expect(throws: Envelope.DecodingError.malformed, "\(count) bytes") {
                    try Envelope.decode(Array(bytes.prefix(count)), channel: "a")
                }
            }
        }
        #expect(throws: Envelope.DecodingError.unknownVersion) {
            try Envelope.decode(position + position + [0, 1], channel: "a")
        }
    }

    @Test func tellsPayloadsOfOthersApart() {
        #expect(!Envelope.isEnvelope(Array("{}".utf8)))
        #expect(!Envelope.isEnvelope([]))
    }

    @Test func refusesEveryPartOfOne() throws {
        let bytes = Envelope.encode(self.publications[1])
        for count in 0..<(bytes.count - 1) {
            #expect(throws: Envelope.DecodingError.malformed, "\(count) bytes") {
                try Envelope.decode(Array(bytes.prefix(count)), channel: "a")
            }
        }
    }

    @Test func refusesLengthsBeyondItsEnd() {
        var bytes = Envelope.encode(self.publications[1])
        for index in 11..<15 { bytes[index] = 0xFF }
        #expect(throws: Envelope.DecodingError.malformed) { try Envelope.decode(bytes, channel: "a") }
    }

    @Test func refusesOtherVersions() {
        var bytes = Envelope.encode(self.publications[0])
        bytes[1] = 3
        #expect(throws: Envelope.DecodingError.unknownVersion) { try Envelope.decode(bytes, channel: "a") }
        bytes[1] = 1
        bytes[2] = 0x80
        #expect(throws: Envelope.DecodingError.unknownVersion) { try Envelope.decode(bytes, channel: "a") }
    }

    @Test func refusesTimesThatAreNone() {
        for time in [Double.nan, .infinity, -1] {
            let bytes = Envelope.encode(Publication(channel: "a", data: [1], time: time))
            #expect(throws: Envelope.DecodingError.malformed) { try Envelope.decode(bytes, channel: "a") }
        }
    }

    @Test func survivesRandomBytes() {
        for _ in 0..<20_000 {
            var bytes = (0..<Int.random(in: 0..<40)).map { _ in UInt8.random(in: 0...255) }
            for index in 0..<min(3, bytes.count) where Bool.random() {
                bytes[index] = index == 1 ? UInt8.random(in: 1...2) : UInt8(index / 2)
            }
            _ = try? Envelope.decode(bytes, channel: "a")
        }
    }
}
