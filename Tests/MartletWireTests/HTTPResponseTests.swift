// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletWire
import Testing

struct HTTPResponseTests {
    @Test func refusalsSayWhatAndHow() {
        let refusal = HTTPRefusal(.serviceUnavailable, "The node is full.", fields: [HTTPField("Retry-After", "7")])
        #expect(
            HTTPResponse.refusal(refusal).text
                == "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
                + "Content-Length: 18\r\nRetry-After: 7\r\nConnection: close\r\n\r\nThe node is full.\n")
        #expect(HTTPResponse.refusal(refusal, keepsAlive: true).text.contains("Connection: keep-alive\r\n"))
        let head = HTTPResponse.refusal(refusal, isHead: true).text
        #expect(head.contains("Content-Length: 18\r\n") && head.hasSuffix("\r\n\r\n"))
    }

    @Test func everyStatusHasItsReason() {
        for status in HTTPStatus.allCases {
            let bytes = HTTPResponse.encode(status, body: [], keepsAlive: false)
            guard case .head(let head) = HTTPResponseHead.parse(bytes.span) else {
                Issue.record("\(status) does not parse")
                continue
            }
            #expect(head.status == status.rawValue)
            #expect(!status.reason.isEmpty)
        }
    }

    @Test func upgradesEchoTheChosenSubprotocol() {
        let accept = Array("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".utf8)
        #expect(
            HTTPResponse.upgrade(accept: accept, subprotocol: "jsonrpc").text
                == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: jsonrpc\r\n\r\n")
        #expect(!HTTPResponse.upgrade(accept: accept).text.contains("Protocol:"))
    }

    @Test func streamsAreNotStoredNorBuffered() {
        let chunked = HTTPResponse.stream(isChunked: true).text
        for line in [
            "HTTP/1.1 200 OK", "Content-Type: text/event-stream; charset=utf-8",
            "Cache-Control: no-cache, no-transform", "X-Accel-Buffering: no", "Transfer-Encoding: chunked",
        ] { #expect(chunked.contains("\(line)\r\n"), "\(line)") }
        let plain = HTTPResponse.stream(isChunked: false).text
        #expect(!plain.contains("chunked") && plain.contains("Connection: close\r\n"))
        #expect(HTTPResponse.stream(isChunked: true, keepsAlive: false).text.contains("Connection: close\r\n"))
    }

    @Test func anOfferedUpgradeIsOfThisConnection() {
        let refusal = HTTPRefusal(.upgradeRequired, "No.", fields: [HTTPField("Upgrade", "websocket")])
        #expect(HTTPResponse.refusal(refusal).text.contains("Connection: close, Upgrade\r\n"))
    }

    @Test func aBrowserIsToldToComeLater() {
        let bytes = HTTPResponse.comeLater(afterMilliseconds: 4_200)
        #expect(bytes.text.hasPrefix("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream"))
        #expect(bytes.text.contains("Content-Length: 13\r\n") && bytes.text.hasSuffix("\r\n\r\nretry: 4200\n\n"))
    }

    @Test func aFieldCannotEndItsLine() {
        let fields = [HTTPField("X", "a\r\nSet-Cookie: b")]
        let text = HTTPResponse.encode(.ok, body: [], fields: fields, keepsAlive: true).text
        #expect(text.contains("X: a  Set-Cookie: b\r\n"))
        #expect(HTTPResponse.noContent(keepsAlive: true).text.hasPrefix("HTTP/1.1 204 No Content\r\n"))
    }

    @Test func headsOfAnswersAreRead() {
        let bytes = Array("HTTP/1.1 503 Service Unavailable\r\nRetry-After:  3 \r\nX:\r\n\r\nbody".utf8)
        guard case .head(let head) = HTTPResponseHead.parse(bytes.span) else {
            Issue.record("the head does not parse")
            return
        }
        #expect(head.status == 503 && head.length == bytes.count - 4)
        #expect(head.fields == [HTTPField("retry-after", "3"), HTTPField("x", "")])
        #expect(head.value(of: "retry-after") == "3" && head.value(of: "y") == nil)
        for text in ["HTTP/1.1 xx OK\r\n\r\n", "SSH-2.0\r\n\r\n", "\r\n\r\n", "HTTP/1.1 200 OK\r\nbad\r\n\r\n"] {
            let bytes = Array(text.utf8)
            #expect(HTTPResponseHead.parse(bytes.span) == .invalid)
        }
        let start = Array("HTTP/1.1 200 OK\r\n".utf8)
        #expect(HTTPResponseHead.parse(start.span) == .needMore)
    }
}
