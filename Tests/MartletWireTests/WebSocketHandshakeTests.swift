// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletWire
import Testing

struct WebSocketHandshakeTests {
    private static let good = [
        "Host: a", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ]

    /// RFC 6455 section 1.3.
    @Test func theExampleOfTheStandardIsAccepted() throws {
        let outcome = try Self.check(Self.good)
        #expect(outcome == .accepted(Array("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".utf8)))
    }

    @Test(arguments: [
        (1, "Upgrade: h2c", 426), (1, "X: y", 426), (2, "Connection: keep-alive", 426), (2, "X: y", 426),
        (3, "X: y", 400), (3, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ", 400),
        (3, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZT==", 400), (3, "Sec-WebSocket-Key: Zm9v", 400),
        (3, "Sec-WebSocket-Key:", 400), (4, "X: y", 426), (4, "Sec-WebSocket-Version: 8", 426),
        (4, "Sec-WebSocket-Version: 13, 8", 426), (0, "Host: a\r\nContent-Length: 3", 400),
    ])
    func refuses(_ line: Int, replacement: String, status: Int) throws {
        var fields = Self.good
        fields[line] = replacement
        guard case .refused(let refusal) = try Self.check(fields) else {
            Issue.record("\(replacement) is accepted")
            return
        }
        #expect(refusal.status.rawValue == status)
        #expect((status == 426) == refusal.fields.contains(HTTPField("Sec-WebSocket-Version", "13")))
    }

    @Test func onlyGetOpensAWebSocket() throws {
        guard case .refused(let refusal) = try Self.check(Self.good, method: "POST") else {
            Issue.record("POST is accepted")
            return
        }
        #expect(refusal.status == .methodNotAllowed && refusal.fields == [HTTPField("Allow", "GET")])
        guard case .refused(let old) = try Self.check(Self.good, version: "1.0") else {
            Issue.record("HTTP/1.0 is accepted")
            return
        }
        #expect(old.status == .upgradeRequired)
    }

    @Test(
        arguments: [
            ([], nil, nil), (["jsonrpc"], "jsonrpc", nil), (["a, jsonrpc, b"], "jsonrpc", nil),
            (["b, jsonrpc"], "b", nil), (["JSONRPC"], nil, nil), (["a", "b"], "b", nil),
            (["bearer.x.y.z"], nil, "x.y.z"), (["bearer.x, jsonrpc"], "jsonrpc", "x"), (["bearer."], nil, nil),
            (["bearer.x, bearer.y"], nil, "x"), ([" , ,"], nil, nil),
        ] as [([String], String?, String?)])
    func subprotocols(_ lines: [String], chosen: String?, bearer: String?) throws {
        let fields = lines.map { "Sec-WebSocket-Protocol: \($0)" }
        let (head, bytes) = try Self.parse(Self.good + fields)
        let result = WebSocketHandshake.subprotocols(head, in: bytes.span, supported: ["jsonrpc", "b"])
        #expect(result.chosen == chosen)
        #expect(result.bearer.map { Array(bytes[$0]).text } == bearer)
    }

    @Test func clientAndServerUnderstandEachOther() throws {
        let client = WebSocketClientHandshake(
            host: "a:1", target: "/ws", nonce: Array(0..<16), subprotocols: ["jsonrpc"],
            fields: [HTTPField("Authorization", "Bearer t")])
        guard case .head(let head) = HTTPRequestParser.parse(client.request.span, limits: HTTPLimits()),
            case .accepted(let accept) = WebSocketHandshake.check(head, in: client.request.span)
        else {
            Issue.record("the request is refused")
            return
        }
        let answer = HTTPResponse.upgrade(accept: accept, subprotocol: "jsonrpc")
        #expect(client.check(answer.span) == .accepted(length: answer.count, subprotocol: "jsonrpc"))
        for count in 0..<answer.count {
            let start = Array(answer.prefix(count))
            #expect(client.check(start.span) == .needMore)
        }
        let wrong = HTTPResponse.upgrade(accept: WebSocketHandshake.accept([]))
        #expect(client.check(wrong.span) == .refused(status: 0))
        let refusal = HTTPResponse.refusal(HTTPRefusal(.serviceUnavailable, "full"))
        #expect(client.check(refusal.span) == .refused(status: 503))
    }

    private static func check(
        _ fields: [String], method: String = "GET", version: String = "1.1"
    ) throws -> WebSocketHandshake.Outcome {
        let (head, bytes) = try Self.parse(fields, method: method, version: version)
        return WebSocketHandshake.check(head, in: bytes.span)
    }

    private static func parse(
        _ fields: [String], method: String = "GET", version: String = "1.1"
    ) throws -> (HTTPRequestHead, [UInt8]) {
        let bytes = Array("\(method) /ws HTTP/\(version)\r\n\(fields.map { $0 + "\r\n" }.joined())\r\n".utf8)
        switch HTTPRequestParser.parse(bytes.span, limits: HTTPLimits()) {
        case .head(let head): return (head, bytes)
        case .refused(let refusal): throw refusal
        case .needMore: throw HTTPRefusal(.badRequest, "more was wanted")
        }
    }
}
