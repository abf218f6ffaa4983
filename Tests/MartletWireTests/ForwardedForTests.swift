// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletWire
import Testing

struct ForwardedForTests {
    @Test(
        arguments: [
            // Nobody is trusted: what the field says is nobody's business.
            ("192.0.2.9", ["203.0.113.5"], "192.0.2.9"),
            ("10.0.0.1", ["203.0.113.5"], "203.0.113.5"),
            // What a client wrote itself stands to the left of what the proxy saw.
            ("10.0.0.1", ["6.6.6.6, 203.0.113.5"], "203.0.113.5"),
            ("10.0.0.1", ["6.6.6.6, 203.0.113.5, 10.0.0.2"], "203.0.113.5"),
            ("10.0.0.1", ["6.6.6.6", "203.0.113.5,10.0.0.2"], "203.0.113.5"),
            ("10.0.0.1", ["10.0.0.3", "10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", [], "10.0.0.1"), ("10.0.0.1", [""], "10.0.0.1"), ("10.0.0.1", ["unknown"], "10.0.0.1"),
            ("10.0.0.1", ["6.6.6.6, garbage, 10.0.0.2"], "10.0.0.2"), ("10.0.0.1", ["6.6.6.6,"], "10.0.0.1"),
            ("10.0.0.1", ["203.0.113.5:4711"], "203.0.113.5"), ("10.0.0.1", ["[2001:db8::5]:4711"], "2001:db8::5"),
            ("10.0.0.1", ["2001:db8::5"], "2001:db8::5"), ("fd00::1", ["203.0.113.5, fd00::2"], "203.0.113.5"),
        ] as [(String, [String], String)])
    func theRightmostUntrustedAddressCounts(_ peer: String, lines: [String], client: String) throws {
        let trusted = try ["10.0.0.0/8", "fd00::/8"].map { try #require(CIDR($0)) }
        let fields = lines.map { "X-Forwarded-For: \($0)\r\n" }.joined()
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n".utf8)
        guard case .head(let head) = HTTPRequestParser.parse(bytes.span, limits: HTTPLimits()) else {
            Issue.record("\(fields) does not parse")
            return
        }
        let address = try #require(PeerAddress(host: peer))
        let found = ForwardedFor.client(of: address, lines: head.forwardedFor, in: bytes.span, trusted: trusted)
        #expect(found.host == client)
    }

    @Test func hopsAreBounded() throws {
        let trusted = [try #require(CIDR("0.0.0.0/0"))]
        let field = "X-Forwarded-For: 9.9.9.9" + String(repeating: ",1.1.1.1", count: 100)
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n".utf8)
        guard case .head(let head) = HTTPRequestParser.parse(bytes.span, limits: HTTPLimits()) else {
            Issue.record("the head does not parse")
            return
        }
        let found = ForwardedFor.client(
            of: PeerAddress(v4: 1), lines: head.forwardedFor, in: bytes.span, trusted: trusted)
        #expect(found.host == "1.1.1.1")
    }
}
