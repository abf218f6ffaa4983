// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletWire
import Testing

struct CORSTests {
    @Test(arguments: [
        ("https://app.example", "https://app.example", true), ("https://app.example", "HTTPS://APP.example", true),
        ("https://app.example", "https://app.example:8443", false),
        ("https://app.example", "http://app.example", false),
        ("https://*.example", "https://a.b.example", true), ("https://*.example", "https://example", false),
        ("https://*.example", "https://evil/x.example", false), ("https://*.example", "https://a.example.evil", false),
        ("http://localhost:*", "http://localhost:5173", true), ("http://localhost:*", "http://localhost", false),
        ("*", "null", true), ("*", "https://any", true), ("https://*", "null", false), ("null", "null", true),
        ("https://a*b*c", "https://a1b2b3c", true), ("https://a*b*c", "https://a1b2b3", false), ("", "", true),
        ("", "x", false), ("**", "abc", true), ("a**c", "abbc", true),
    ])
    func patterns(_ pattern: String, origin: String, matches: Bool) {
        let bytes = Array(origin.utf8)
        #expect(OriginPattern(pattern).matches(bytes.span) == matches)
    }

    @Test(arguments: [
        (nil, CORS.Verdict.absent), ("https://edge.example:8000", .sameHost), ("http://EDGE.example:8000", .sameHost),
        ("https://app.example", .allowed), ("https://edge.example", .refused), ("https://other.example", .refused),
        ("null", .refused), ("", .refused), ("edge.example:8000", .refused),
    ])
    func verdicts(_ origin: String?, verdict: CORS.Verdict) throws {
        let (head, bytes) = try Self.parse(origin: origin)
        #expect(CORS(allowedOrigins: ["https://app.example"]).verdict(head, in: bytes.span) == verdict)
    }

    @Test func anAllowedOriginIsNamedAndMaySendCookies() throws {
        let (head, bytes) = try Self.parse(origin: "https://app.example")
        let fields = CORS(allowedOrigins: ["*", "https://app.example"]).fields(head, in: bytes.span)
        #expect(
            fields == [
                HTTPField("Access-Control-Allow-Origin", "https://app.example"), HTTPField("Vary", "Origin"),
                HTTPField("Access-Control-Allow-Credentials", "true"),
            ])
        let without = CORS(allowedOrigins: ["https://app.example"], allowsCredentials: false)
        #expect(without.fields(head, in: bytes.span).count == 2)
    }

    @Test func whoeverIsAllowedByAsteriskOnlyMayNotSendCookies() throws {
        let (head, bytes) = try Self.parse(origin: "https://any.example")
        let fields = CORS(allowedOrigins: ["*", "https://app.example"]).fields(head, in: bytes.span)
        #expect(fields == [HTTPField("Access-Control-Allow-Origin", "*")])
    }

    @Test func othersAreToldNothing() throws {
        let (head, bytes) = try Self.parse(origin: "https://evil.example")
        #expect(CORS(allowedOrigins: ["https://app.example"]).fields(head, in: bytes.span).isEmpty)
        let (plain, plainBytes) = try Self.parse(origin: nil)
        #expect(CORS(allowedOrigins: ["*"]).fields(plain, in: plainBytes.span).isEmpty)
    }

    @Test func preflightsAreAnswered() throws {
        let cors = CORS(allowedOrigins: ["https://app.example"])
        let (head, bytes) = try Self.parse(
            origin: "https://app.example", more: "Access-Control-Request-Headers: x-one, x-two\r\n")
        let answer = cors.preflight(head, in: bytes.span, keepsAlive: true).text
        #expect(answer.hasPrefix("HTTP/1.1 204 No Content\r\n"))
        for line in [
            "Access-Control-Allow-Origin: https://app.example", "Access-Control-Allow-Methods: GET, POST, OPTIONS",
            "Access-Control-Allow-Headers: x-one, x-two", "Access-Control-Max-Age: 300",
        ] { #expect(answer.contains("\(line)\r\n"), "\(line)") }
        let (evil, evilBytes) = try Self.parse(origin: "https://evil.example")
        #expect(!cors.preflight(evil, in: evilBytes.span, keepsAlive: true).text.contains("Access-Control"))
    }

    private static func parse(origin: String?, more: String = "") throws -> (HTTPRequestHead, [UInt8]) {
        let line = origin.map { "Origin: \($0)\r\n" } ?? ""
        let bytes = Array("OPTIONS / HTTP/1.1\r\nHost: edge.example:8000\r\n\(line)\(more)\r\n".utf8)
        guard case .head(let head) = HTTPRequestParser.parse(bytes.span, limits: HTTPLimits()) else {
            throw HTTPRefusal(.badRequest, line)
        }
        return (head, bytes)
    }
}
