// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Testing

struct PeerAddressTests {
    /// RFC 5952 section 4 and 5, and IPv4.
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
        ("::ffff:192.0.2.1", "192.0.2.1"), ("::FFFF:c000:0201", "192.0.2.1"), ("::", "::"), ("::1", "::1"),
        ("2001:0db8::0001", "2001:db8::1"), ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:DB8::A", "2001:db8::a"), ("1::", "1::"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
        ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
    ])
    func textIsReadAndPrinted(_ text: String, printed: String) throws {
        let address = try #require(PeerAddress(host: text))
        #expect(address.host == printed)
        #expect(PeerAddress(host: printed) == address)
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.04", "1..3.4", "1.2.3.", ".1.2.3", "1.2.3.-4",
        "1.2.3.4 ", ":", ":::", "::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "g::",
        "1:", ":1", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5", "fe80::1%eth0", "1:2:3:4:5:6:7:1.2.3.4", "localhost",
        "[::1]", "::ffff:1.2.3.4.5", "0000:0000:0000:0000:0000:0000:0000:0000:0000",
    ])
    func otherTextIsRefused(_ text: String) {
        #expect(PeerAddress(host: text) == nil)
    }

    @Test(arguments: [
        ("192.0.2.1:443", "192.0.2.1:443"), ("192.0.2.1", "192.0.2.1:0"), ("[::1]:80", "[::1]:80"),
        ("[2001:db8::1]", "[2001:db8::1]:0"), ("2001:db8::1", "[2001:db8::1]:0"), ("[192.0.2.1]:1", "192.0.2.1:1"),
    ])
    func portsAreRead(_ text: String, printed: String) {
        let bytes = Array(text.utf8)
        #expect(PeerAddress(text: bytes.span)?.description == printed)
    }

    @Test(arguments: [
        "192.0.2.1:", "192.0.2.1:x", "192.0.2.1:65536", "[::1", "[::1]80", "[::1]:", "[]", "[]:1", "[::1]:-1", ":80",
        "192.0.2.1:000001", "[", "]", "::1]:80",
    ])
    func otherPortsAreRefused(_ text: String) {
        let bytes = Array(text.utf8)
        #expect(PeerAddress(text: bytes.span) == nil)
    }

    @Test func limitsCountByAddressOrSite() throws {
        let key = { (text: String) in try #require(PeerAddress(host: text)).limitKey }
        #expect(try key("192.0.2.1") != key("192.0.2.2"))
        #expect(try key("2001:db8::1") == key("2001:db8::ffff:1"))
        #expect(try key("2001:db8::1") != key("2001:db8:0:1::1"))
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.255.0.1", true), ("::1", true), ("::ffff:127.0.0.1", true), ("128.0.0.1", false),
        ("::2", false), ("1::1", false), ("0.0.0.0", false),
    ])
    func loopback(_ text: String, isLoopback: Bool) {
        #expect(PeerAddress(host: text)?.isLoopback == isLoopback)
    }

    @Test func bytesAreInNetworkOrder() {
        let bytes = Array(0..<17 as Range<UInt8>)
        let address = PeerAddress(v6: bytes.span, port: 9)
        #expect((0..<16).map { address?.byte($0) ?? 0 } == Array(0..<16))
        let short = Array(bytes.prefix(15))
        #expect(PeerAddress(v6: short.span) == nil)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("10.1.2.3/8", "10.9.9.9", true),
        ("0.0.0.0/0", "203.0.113.1", true), ("0.0.0.0/0", "2001:db8::1", false), ("::/0", "203.0.113.1", true),
        ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1/32", "192.0.2.2", false), ("192.0.2.0/31", "192.0.2.1", true),
        ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::1", false),
        ("2001:db8::/64", "2001:db8::ffff", true), ("2001:db8::/65", "2001:db8:0:0:8000::", false),
        ("2001:db8::1/128", "2001:db8::1", true), ("::ffff:0:0/96", "1.2.3.4", false),
    ])
    func blocks(_ block: String, address: String, contains: Bool) throws {
        // `::ffff:0:0` reads as an IPv4 address, whose prefix cannot be 96 bits long.
        guard let cidr = CIDR(block) else {
            #expect(!contains)
            return
        }
        #expect(cidr.contains(try #require(PeerAddress(host: address))) == contains)
    }

    @Test(arguments: [
        "", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/8/8", "10/8", "x/8",
        "10.0.0.0/+8", "10.0.0.0/ 8",
    ])
    func otherBlocksAreRefused(_ text: String) {
        #expect(CIDR(text) == nil)
    }
}
