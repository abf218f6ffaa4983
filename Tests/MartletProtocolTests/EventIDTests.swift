// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import Testing

struct EventIDTests {
    private static let channels = ["room:a", "news", "room:b"]
    private static let positions: [StreamPosition?] = [
        StreamPosition(offset: 7, epoch: "Ab3x"), nil, StreamPosition(offset: .max, epoch: "é"),
    ]

    private func encode(_ positions: [StreamPosition?], _ channels: [String]) -> String {
        EventID.encode(positions, of: channels)
    }

    @Test func comesBackAsItWas() {
        let id = self.encode(Self.positions, Self.channels)
        #expect(id == "AbsK3BgABwRBYjN4Av___________wECw6k")
        #expect(EventID.decode(id, of: Self.channels) == Self.positions)
        for offset: UInt64 in [0, 1, 127, 128, 16_383, 16_384, 1 << 32, 1 << 63 - 1, 1 << 63, .max] {
            let position = StreamPosition(offset: offset, epoch: "e")
            #expect(EventID.decode(self.encode([position], ["c"]), of: ["c"]) == [position])
        }
        #expect(EventID.decode(self.encode([], []), of: []) == [])
        #expect(EventID.decode(self.encode([nil, nil], ["a", "b"]), of: ["a", "b"]) == [nil, nil])
    }

    /// A channel that lost or gained its history since is no reason to forget the others' positions.
    @Test func namesTheChannelsItHolds() {
        let id = self.encode([nil, StreamPosition(offset: 1, epoch: "e")], ["a", "b"])
        #expect(EventID.decode(id, of: ["a", "b"]) == [nil, StreamPosition(offset: 1, epoch: "e")])
    }

    @Test(arguments: [
        [], ["room:a"], ["news", "room:a", "room:b"], ["room:a", "news", "room:b", "x"], ["room:anews", "", "room:b"],
    ])
    func foreignLists(_ channels: [String]) {
        #expect(EventID.decode(self.encode(Self.positions, Self.channels), of: channels) == nil)
    }

    @Test func theLongestFits() {
        let channels = (0..<EventID.channelsMax).map { "channel:\($0)" }
        let epoch = String(repeating: "x", count: 32)
        let positions: [StreamPosition?] = channels.map { _ in StreamPosition(offset: .max, epoch: epoch) }
        let id = self.encode(positions, channels)
        #expect(id.utf8.count <= EventID.bytesMax)
        #expect(EventID.decode(id, of: channels) == positions)
        // A longer epoch has no room, and a 33rd channel none either.
        let long = StreamPosition(offset: 1, epoch: epoch + "x")
        #expect(EventID.decode(self.encode([long], ["c"]), of: ["c"]) == [nil])
        let more = channels + ["channel:32"]
        #expect(EventID.decode(self.encode(positions + [long], more), of: more) == nil)
    }

    @Test func truncatedAtEveryCharacter() {
        let id = self.encode(Self.positions, Self.channels)
        for length in 0..<id.count {
            let decoded = EventID.decode(String(id.prefix(length)), of: Self.channels)
            // Where one position ends, what precedes is an id that knows fewer.
            if let decoded { #expect(zip(decoded, Self.positions).allSatisfy { $0 == nil || $0 == $1 }) }
        }
        for length in 0..<6 { #expect(EventID.decode(String(id.prefix(length)), of: Self.channels) == nil) }
    }

    @Test(arguments: ["", "A", "=", "AbsK3Bo=", "AbsK3Bp", "AbsK3Bo ", "x+/x", "é", "1"])
    func notAnID(_ text: String) {
        #expect(EventID.decode(text, of: Self.channels) == nil)
    }

    /// The version is the first six bits and two of the next digit: `A` and what begins with two zero and one.
    @Test(arguments: ["AN", "At", "Bd", "_d"])
    func otherVersions(_ beginning: String) {
        let id = self.encode(Self.positions, Self.channels)
        #expect(EventID.decode(beginning + id.dropFirst(2), of: Self.channels) == nil)
    }

    @Test func noise() {
        var generator = SeededGenerator(seed: 7)
        let id = bytes(self.encode(Self.positions, Self.channels))
        for _ in 0..<5_000 {
            _ = EventID.decode(text(mutate(id, using: &generator)), of: Self.channels)
            let letters = (0..<Int.random(in: 0...80, using: &generator)).map { _ in
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".randomElement(using: &generator)
            }
            let random = String(letters.compactMap { $0 })
            _ = EventID.decode(random, of: Self.channels)
            _ = EventID.decode("AbsK3Bo" + random, of: Self.channels)
        }
        #expect(EventID.decode(String(repeating: "A", count: 1 << 20), of: Self.channels) == nil)
    }
}
