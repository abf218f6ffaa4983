// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletWire
import Testing

struct ProxyProtocolTests {
    private static let signature = "0d0a0d0a000d0a515549540a"

    @Test(arguments: [
        ("PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\n", "192.0.2.1:56324"),
        ("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n", "[2001:db8::1]:1"),
        ("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:10.0.0.1 7 8\r\n", "192.0.2.1:7"),
    ])
    func versionOne(_ text: String, source: String) {
        let bytes = Array((text + "GET / HTTP/1.1\r\n").utf8)
        guard case .header(let address, let length) = ProxyProtocol.parse(bytes.span) else {
            Issue.record("\(text) is not read")
            return
        }
        #expect(address.description == source && length == text.utf8.count)
        for count in 0..<length {
            let start = Array(bytes.prefix(count))
            #expect(ProxyProtocol.parse(start.span) == .needMore)
        }
    }

    @Test(arguments: ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff:: :: 1 2\r\n"])
    func versionOneMayNotKnow(_ text: String) {
        let bytes = Array(text.utf8)
        #expect(ProxyProtocol.parse(bytes.span) == .local(length: bytes.count))
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n", "PROXX", "PROXY \r\n", "PROXY TCP4\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 -1 1\r\n",
        "PROXY TCP4 1.2.3.256 1.2.3.4 1 1\r\n", "PROXY TCP4 ::1 ::1 1 1\r\n", "PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n", "PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n", "PROXY UNKNOWN" + String(repeating: " ", count: 107), "\r\n\r\nX",
        "proxy TCP4",
    ])
    func refuses(_ text: String) {
        let bytes = Array(text.utf8)
        #expect(ProxyProtocol.parse(bytes.span) == .invalid)
    }

    @Test(arguments: [
        ("21 11 000c c0000201 0a000001 dc04 01bb", "192.0.2.1:56324"),
        ("21 11 0010 c0000201 0a000001 dc04 01bb 04000100", "192.0.2.1:56324"),
        ("21 21 0024 20010db8000000000000000000000001 00000000000000000000000000000001 0001 01bb", "[2001:db8::1]:1"),
        ("20 00 0000", "local"), ("20 11 000c c0000201 0a000001 dc04 01bb", "local"), ("21 00 0000", "local"),
        ("21 12 000c c0000201 0a000001 dc04 01bb", "local"), ("21 31 0002 0000", "local"),
        ("11 11 000c", "invalid"), ("22 11 000c", "invalid"), ("21 41 0000", "invalid"), ("21 13 0000", "invalid"),
        ("21 11 000b c0000201 0a000001 dc04 01", "invalid"),
        ("21 21 0023" + String(repeating: "00", count: 35), "invalid"),
        ("21 11 ffff", "invalid"),
    ])
    func versionTwo(_ hex: String, result: String) {
        let bytes = [UInt8](hex: Self.signature + hex)
        let trailing = bytes + [0x47]
        switch ProxyProtocol.parse(trailing.span) {
        case .header(let source, let length): #expect(source.description == result && length == bytes.count)
        case .local(let length): #expect(result == "local" && length == bytes.count)
        case .invalid: #expect(result == "invalid")
        case .needMore: Issue.record("\(hex) wants more")
        }
        if result != "invalid" {
            for count in 0..<bytes.count {
                let start = Array(bytes.prefix(count))
                #expect(ProxyProtocol.parse(start.span) == .needMore)
            }
        }
    }

    @Test func randomBytesNeverTrap() {
        var generator = SeededGenerator(seed: 9)
        for round in 0..<30_000 {
            var bytes = generator.bytes(Int.random(in: 0..<48, using: &generator))
            if round % 2 == 0 {
                bytes = [UInt8](hex: Self.signature) + bytes
                if bytes.count > 15 { (bytes[12], bytes[14]) = (0x20 | bytes[12] & 1, 0) }
            } else {
                bytes = Array("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n".utf8)
                for _ in 0..<2 {
                    bytes[Int.random(in: 6..<bytes.count, using: &generator)] = UInt8.random(
                        in: 9...60, using: &generator)
                }
            }
            if case .header(_, let length) = ProxyProtocol.parse(bytes.span) { #expect(length <= bytes.count) }
        }
    }
}
