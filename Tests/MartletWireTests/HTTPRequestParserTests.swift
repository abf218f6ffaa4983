// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletWire
import Testing

struct HTTPRequestParserTests {
    private static let upgrade = """
        GET /ws?token=abc%20d HTTP/1.1\r
        Host: edge.example:8000\r
        Origin: https://app.example\r
        Connection: keep-alive, Upgrade\r
        Upgrade: WebSocket\r
        sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r
        Sec-WebSocket-Version:13\r
        Sec-WebSocket-Protocol: jsonrpc\r
        Sec-WebSocket-Protocol: bearer.x.y.z\r
        Sec-WebSocket-Extensions: permessage-deflate\r
        Authorization: Bearer  a.b.c\r
        Cookie: a=1; b=2\r
        X-Forwarded-For: 192.0.2.7\r
        X-Forwarded-For: 10.0.0.1 \r
        Sec-Fetch-Site: same-origin\r
        User-Agent: caf\u{e9}\r
        \r

        """

    @Test func readsWhatTheEdgeNeeds() throws {
        let bytes = Array(Self.upgrade.utf8)
        let head = try Self.head(bytes)
        let text = { (range: Range<Int>?) in range.map { bytes[$0].map { $0 }.text } }
        #expect(head.method == .get)
        #expect(head.length == bytes.count)
        #expect(text(head.path) == "/ws")
        #expect(text(head.query) == "token=abc%20d")
        #expect(head.minorVersion == 1)
        #expect(text(head.host) == "edge.example:8000")
        #expect(text(head.origin) == "https://app.example")
        #expect(head.connection == [.keepAlive, .upgrade])
        #expect(head.upgradesToWebSocket)
        #expect(text(head.webSocketKey) == "dGhlIHNhbXBsZSBub25jZQ==")
        #expect(text(head.webSocketVersion) == "13")
        #expect(head.webSocketProtocols.count == 2)
        #expect(text(head.webSocketProtocols[1]) == "bearer.x.y.z")
        #expect(head.webSocketExtensions.count == 1)
        #expect(text(head.bearerToken(in: bytes.span)) == "a.b.c")
        #expect(head.cookies.count == 1)
        #expect(head.forwardedFor.count == 2)
        #expect(text(head.forwardedFor[1]) == "10.0.0.1")
        #expect(text(head.secFetchSite) == "same-origin")
        #expect(head.keepsAlive)
        #expect(!head.hasBody)
    }

    @Test func readsBodiesAndTheRest() throws {
        let post = try Self.head(
            "POST /emulation HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\nContent-Type: application/json\r\n"
                + "Expect: 100-continue\r\nConnection: close\r\nLast-Event-ID: 7\r\nAccept: */*\r\n\r\n")
        #expect(post.method == .post)
        #expect(post.contentLength == 12)
        #expect(post.hasBody && post.expectsContinue && !post.keepsAlive)
        #expect(post.contentType?.count == 16 && post.lastEventID?.count == 1 && post.accept.count == 1)
        let chunked = try Self.head("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n")
        #expect(chunked.isChunked && chunked.hasBody)
        let refusals = try ["status", "Status", "", "stream"].map { value in
            try Self.head("GET / HTTP/1.1\r\nHost: a\r\nMartlet-Refuse: \(value)\r\n\r\n").refusesByStatus
        }
        #expect(refusals == [true, true, false, false])
        let options = try Self.head(
            "OPTIONS * HTTP/1.1\r\nHost: a\r\nAccess-Control-Request-Method: POST\r\n"
                + "Access-Control-Request-Headers: x-a, x-b\r\n\r\n")
        #expect(options.method == .options)
        #expect(options.accessControlRequestMethod != nil && options.accessControlRequestHeaders != nil)
    }

    @Test func absoluteTargetsNameTheHost() throws {
        let bytes = Array("GET HTTP://real.example/events?x HTTP/1.1\r\nHost: other\r\n\r\n".utf8)
        let head = try Self.head(bytes)
        let (host, path) = (try #require(head.host), head.path)
        #expect(Array(bytes[host]).text == "real.example")
        #expect(Array(bytes[path]).text == "/events")
    }

    @Test func oldVersionsNeedNoHostAndCloseByDefault() throws {
        let head = try Self.head("GET / HTTP/1.0\r\n\r\n")
        #expect(head.minorVersion == 0 && head.host == nil && !head.keepsAlive)
        #expect(try Self.head("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keepsAlive)
        #expect(try Self.head("GET / HTTP/1.9\r\nHost: a\r\n\r\n").minorVersion == 1)
    }

    @Test func blankLinesBeforeARequestAreSkipped() throws {
        let head = try Self.head("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(head.length == 31)
        #expect(Self.status(String(repeating: "\r\n", count: 5) + "GET / HTTP/1.1\r\nHost: a\r\n\r\n") == 400)
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\nHost: a\n\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nX: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \u{0}\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX\u{7f}: b\r\n\r\n", 400),
        ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /#f HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1\r\nHost: a\r\n\r\n", 400),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.x\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", 417),
        ("GET / HTTP/1.1\r\nHost: a\r\nOrigin: x\r\nOrigin: y\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\nAuthorization: y\r\n\r\n", 400),
    ])
    func refuses(_ text: String, status: Int) {
        #expect(Self.status(text) == status)
    }

    @Test func namesAreTokensAndHostsAreHosts() {
        let alphanumeric = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
        let tokens = Set((alphanumeric + "!#$%&'*+-.^_`|~").utf8)
        let hosts = Set((alphanumeric + "%-.:[]_~").utf8)
        for byte in UInt8.min...UInt8.max {
            let name = Array("GET / HTTP/1.1\r\nHost: a\r\nX".utf8) + [byte] + Array("Y: 1\r\n\r\n".utf8)
            // A colon ends the name before.
            let isName = tokens.contains(byte) || byte == UInt8(ascii: ":")
            #expect((Self.status(name) == nil) == isName, "\(byte)")
            let host = Array("GET / HTTP/1.1\r\nHost: a".utf8) + [byte] + Array("b\r\n\r\n".utf8)
            #expect((Self.status(host) == nil) == hosts.contains(byte), "\(byte)")
        }
    }

    @Test func otherMethodsAreForThePathToRefuse() throws {
        #expect(try Self.head("DELETE /x HTTP/1.1\r\nHost: a\r\n\r\n").method == .other)
        #expect(try Self.head("get /x HTTP/1.1\r\nHost: a\r\n\r\n").method == .other)
        #expect(try Self.head("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n").method == .other)
        #expect(try Self.head("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n").method == .head)
    }

    @Test func boundsHold() {
        let limits = HTTPLimits(headBytesMax: 512, targetBytesMax: 100, fieldsMax: 4)
        let status = { (text: String) in Self.status(text, limits: limits) }
        let target = { (count: Int) in "/" + String(repeating: "a", count: count - 1) }
        #expect(status("GET \(target(100)) HTTP/1.1\r\nHost: a\r\n\r\n") == nil)
        #expect(status("GET \(target(101)) HTTP/1.1\r\nHost: a\r\n\r\n") == 414)
        #expect(status("GET \(target(200))") == 414)
        #expect(status("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n") == nil)
        #expect(status("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n") == 431)
        let long = "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "a", count: 600)
        #expect(status(long) == 431)
        #expect(status(long + "\r\n\r\n") == 431)
        #expect(status(String(repeating: "A", count: 33)) == 501)
        #expect(status(String(repeating: "A", count: 33) + " / HTTP/1.1\r\nHost: a\r\n\r\n") == 501)
        #expect(status(String(repeating: "A", count: 32) + " \(target(100)) HTTP/1.1\r\nHost: a\r\n\r\n") == nil)
    }

    @Test func whatCannotBecomeAHeadIsRefusedEarly() {
        #expect(Self.status([0x16, 0x03, 0x01]) == 400)
        #expect(Self.status([0x00]) == 400)
        #expect(Self.status([UInt8(ascii: "\n")]) == 400)
        #expect(Self.status("{\"jsonrpc\":") == 400)
        #expect(Self.status("GET / HTTP/1.1\r\nHost: a\r\n\u{1}") == 400)
        #expect(Self.status("GET / HTTP/1.1\r\nHost: a\n") == 400)
        #expect(Self.status("GET\r\n") == 400)
    }

    @Test func cutAnywhereTheHeadIsTheSame() {
        let bytes = Array("\r\n".utf8) + Array(Self.upgrade.utf8)
        let whole = HTTPRequestParser.parse(bytes.span, limits: HTTPLimits())
        for feed in Feed.ways(bytes.count) {
            var scanned = 0
            var outcome = HTTPParseOutcome.needMore
            feed.run(bytes) { kept in
                outcome = HTTPRequestParser.parse(kept.span, limits: HTTPLimits(), scanned: scanned)
                scanned = kept.count
                return outcome == .needMore ? 0 : nil
            }
            #expect(outcome == whole)
        }
    }

    /// A head that drips in must be judged as it would be whole, whatever the hint.
    @Test func cutAnywhereARefusalIsOne() {
        for text in ["GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", "GET / HTTP/1.1\r\nA\u{0}: b\r\n\r\n", "G\u{7f}"] {
            let bytes = Array(text.utf8)
            for feed in Feed.ways(bytes.count) {
                var scanned = 0
                var refused = false
                feed.run(bytes) { kept in
                    let outcome = HTTPRequestParser.parse(kept.span, limits: HTTPLimits(), scanned: scanned)
                    scanned = kept.count
                    guard case .refused = outcome else { return 0 }
                    refused = true
                    return nil
                }
                #expect(refused)
            }
        }
    }

    @Test func findsTheEndOfAHeadWhereverItIs() {
        for length in 0..<40 {
            let bytes = Array(repeating: UInt8(ascii: "a"), count: length) + Array("\r\n\r\ntail\r\n\r\n".utf8)
            #expect(HTTPRequestParser.headEnd(in: bytes.span, from: 0) == length + 4)
        }
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<20_000 {
            let bytes = (0..<24).map { _ in [13, 10, 65][Int.random(in: 0..<3, using: &generator)] as UInt8 }
            let simple = (3..<24).first { Array(bytes[($0 - 3)...$0]) == [13, 10, 13, 10] }.map { $0 + 1 }
            #expect(HTTPRequestParser.headEnd(in: bytes.span, from: 0) == simple)
        }
    }

    @Test func randomAndSpoiltBytesNeverTrap() {
        var generator = SeededGenerator(seed: 2)
        let good = Array(Self.upgrade.utf8)
        let alphabet = Array("GET /a?b HTTP/1.1\r\n:\r\nHost, chunked=%;\"\u{0}\t".utf8)
        for round in 0..<40_000 {
            var bytes: [UInt8]
            switch round % 3 {
            case 0: bytes = generator.bytes(Int.random(in: 0..<64, using: &generator))
            case 1:
                bytes = (0..<Int.random(in: 0..<64, using: &generator)).map { _ in
                    alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
                }
                bytes += Array("\r\n\r\n".utf8)
            default:
                bytes = good
                for _ in 0..<3 {
                    let index = Int.random(in: 0..<bytes.count, using: &generator)
                    bytes[index] = UInt8(truncatingIfNeeded: generator.next())
                }
            }
            let scanned = Int.random(in: 0...bytes.count, using: &generator)
            if case .head(let head) = HTTPRequestParser.parse(bytes.span, limits: HTTPLimits(), scanned: scanned) {
                #expect(head.length <= bytes.count && head.path.upperBound <= head.length)
            }
        }
    }

    private static func head(_ text: String) throws -> HTTPRequestHead { try self.head(Array(text.utf8)) }

    private static func head(_ bytes: [UInt8]) throws -> HTTPRequestHead {
        switch HTTPRequestParser.parse(bytes.span, limits: HTTPLimits()) {
        case .head(let head): return head
        case .refused(let refusal): throw refusal
        case .needMore: throw HTTPRefusal(.badRequest, "more was wanted")
        }
    }

    private static func status(_ text: String, limits: HTTPLimits = HTTPLimits()) -> Int? {
        self.status(Array(text.utf8), limits: limits)
    }

    private static func status(_ bytes: [UInt8], limits: HTTPLimits = HTTPLimits()) -> Int? {
        guard case .refused(let refusal) = HTTPRequestParser.parse(bytes.span, limits: limits) else { return nil }
        return refusal.status.rawValue
    }
}
