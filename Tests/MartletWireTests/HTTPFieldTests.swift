// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletWire
import Testing

struct HTTPFieldTests {
    @Test(arguments: [
        ("a=1; token=x.y", "x.y"), ("token=\"x\"", "x"), ("token=", ""), ("Token=1; token=2", "2"),
        ("token=1; token=2", "1"), (" token = 1 ", "1"), ("token=a=b", "a=b"), ("token=\"", "\""),
    ])
    func findsACookie(_ field: String, value: String) throws {
        let (head, bytes) = try Self.parse("Cookie: \(field)")
        let range = Cookies.value("token", in: bytes.span, lines: head.cookies)
        #expect(range.map { Array(bytes[$0]).text } == value)
    }

    @Test(arguments: ["", "token", "xtoken=1", "tokenx=1", ";;", "TOKEN=1"])
    func findsNoOtherCookie(_ field: String) throws {
        let (head, bytes) = try Self.parse("Cookie: \(field)")
        #expect(Cookies.value("token", in: bytes.span, lines: head.cookies) == nil)
    }

    @Test(arguments: [
        ("text/event-stream", true), ("TEXT/EVENT-STREAM; charset=utf-8", true), ("*/*", true), ("text/*", true),
        ("text/html, */*;q=0.1", true), ("text/html", false), ("application/json, text/html", false), ("", false),
        ("text/event-stream;q=0", false), ("text/event-stream; Q=0.000, */*", false), ("*/*;q=0", false),
        ("text/event-stream;q=0.001, text/*;q=0", true), ("text/*;q=0, */*", false), ("text", false), ("q=1", false),
        ("*/*;q=0, text/event-stream", true), ("text/event-stream;q=", true), (",;,", false),
    ])
    func accepts(_ field: String, accepted: Bool) throws {
        let (head, bytes) = try Self.parse("Accept: \(field)")
        #expect(MediaType.isAccepted(MediaType.eventStream, by: head.accept, in: bytes.span) == accepted)
    }

    @Test func withoutTheFieldEverythingIsAccepted() throws {
        let (head, bytes) = try Self.parse("X: y")
        let isAccepted = MediaType.isAccepted(MediaType.eventStream, by: head.accept, in: bytes.span)
        #expect(isAccepted)
    }

    @Test func severalLinesAreOneList() throws {
        let (head, bytes) = try Self.parse(
            "Accept: text/html\r\nAccept: text/event-stream\r\nCookie: a=1\r\nCookie: b=2")
        let isAccepted = MediaType.isAccepted(MediaType.eventStream, by: head.accept, in: bytes.span)
        #expect(isAccepted)
        let range = Cookies.value("b", in: bytes.span, lines: head.cookies)
        #expect(range.map { Array(bytes[$0]).text } == "2")
    }

    @Test(arguments: [
        ("Bearer abc", "abc"), ("bearer   abc ", "abc"), ("BEARER a b", "a b"), ("Bearer", nil), ("Bearer ", nil),
        ("Basic abc", nil), ("", nil), ("Bearerabc", nil),
    ])
    func readsBearerTokens(_ field: String, token: String?) throws {
        let (head, bytes) = try Self.parse("Authorization: \(field)")
        #expect(head.bearerToken(in: bytes.span).map { Array(bytes[$0]).text } == token)
    }

    @Test(arguments: [
        ("localhost", true), ("LOCALHOST:8000", true), ("app.localhost", true), ("127.0.0.1", true),
        ("127.9.9.9:80", true), ("[::1]:8000", true), ("[::1]", true), ("localhost.evil.example", false),
        ("evil.example", false), ("127.0.0.1.evil.example", false), ("[::2]", false), ("10.0.0.1", false),
        (".localhost", false), ("notlocalhost", false),
    ])
    func knowsLoopbackHosts(_ host: String, isLoopback: Bool) {
        let bytes = Array(host.utf8)
        #expect(HostName.isLoopback(0..<bytes.count, in: bytes.span) == isLoopback)
    }

    private static func parse(_ fields: String) throws -> (HTTPRequestHead, [UInt8]) {
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n".utf8)
        guard case .head(let head) = HTTPRequestParser.parse(bytes.span, limits: HTTPLimits()) else {
            throw HTTPRefusal(.badRequest, fields)
        }
        return (head, bytes)
    }
}
