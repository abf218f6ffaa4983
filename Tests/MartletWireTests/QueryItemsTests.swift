// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletWire
import Testing

struct QueryItemsTests {
    @Test func walksItemsInOrder() {
        let query = Array("channel=a%3Ab&channel=c+d&&flag&=x&e=1=2&".utf8)
        var items = QueryItems(0..<query.count)
        var seen: [String] = []
        while let item = items.next(in: query.span) {
            seen.append("\(item.decodedName(in: query.span) ?? "?")=\(item.decodedValue(in: query.span) ?? "?")")
        }
        #expect(seen == ["channel=a:b", "channel=c d", "flag=", "=x", "e=1=2"])
    }

    @Test func looksUpNamesEncodedOrNot() {
        let query = Array("xaccess%5Ftoken=1&access%5Ftoken=2&access_token=3&channel=a&channel=%62".utf8)
        #expect(QueryItems.first("access_token", in: query.span, query: 0..<query.count) == "2")
        #expect(QueryItems.all("channel", in: query.span, query: 0..<query.count) == ["a", "b"])
        #expect(QueryItems.first("none", in: query.span, query: 0..<query.count) == nil)
        #expect(QueryItems.all("none", in: query.span, query: nil) == [])
    }

    @Test(arguments: ["a=%", "a=%4", "a=%zz", "a=%ff", "a=%c3", "a=x%e2%82"])
    func whatDoesNotDecodeHasNoValue(_ text: String) {
        let query = Array(text.utf8)
        #expect(QueryItems.first("a", in: query.span, query: 0..<query.count) == nil)
        #expect(QueryItems.all("a", in: query.span, query: 0..<query.count) == nil)
    }

    @Test func itemsAreBounded() {
        let query = Array(String(repeating: "a=1&", count: 1_000).utf8)
        #expect(QueryItems.all("a", in: query.span, query: 0..<query.count)?.count == 256)
    }

    @Test func percentDecodingKeepsWhatIsPlain() {
        let bytes = Array("a+b%20%41%e2%82%ac".utf8)
        #expect(PercentDecoding.text(bytes.span, 0..<bytes.count) == "a+b A€")
        #expect(PercentDecoding.text(bytes.span, 0..<bytes.count, plusIsSpace: true) == "a b A€")
        #expect(PercentDecoding.decode(bytes.span, 0..<0) == [])
    }

    @Test func randomBytesNeverTrap() {
        var generator = SeededGenerator(seed: 3)
        let alphabet = Array("a=&%+4fF".utf8) + [0xFF, 0x00]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<24, using: &generator)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
            }
            var items = QueryItems(0..<bytes.count)
            while let item = items.next(in: bytes.span) {
                _ = item.decodedName(in: bytes.span)
                _ = item.decodedValue(in: bytes.span)
            }
        }
    }
}
