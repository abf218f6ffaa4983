// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletInstruments
import MartletPolicy
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Centrifuge on streams")
    struct StreamTests {
        @Test func headAndFirstBytes() throws {
            try EdgeRig.run { rig in
                let page = "Origin: https://page.example"
                let sse = try StreamClient.open(
                    rig, "GET /connection/sse", SocketClient.connect(rig.token("ann")), fields: [page])
                #expect(sse.answer.status == 200)
                #expect(sse.answer.fields["content-type"] == "text/event-stream; charset=utf-8")
                #expect(sse.answer.fields["connection"] == "keep-alive")
                #expect(sse.answer.fields["x-accel-buffering"] == "no")
                #expect(sse.answer.fields["cache-control"]?.hasPrefix("private, no-cache, no-store") == true)
                #expect(sse.answer.fields["access-control-allow-origin"] == "https://page.example")
                #expect(sse.answer.fields["access-control-allow-credentials"] == "true")
                #expect(try sse.client.take(7) == Array("2\r\n\r\n\r\n".utf8))
                let body = Array(SocketClient.connect(rig.token("ann")).utf8)
                let stream = try StreamClient(rig, "POST /connection/http_stream", .lines, body: body)
                #expect(stream.answer.fields["content-type"] == "application/json; charset=utf-8")
                #expect(stream.answer.fields["x-accel-buffering"] == "no")
                try stream.readConnect(#"{"id":1,"connect":{"client":""#)
                #expect(stream.node == "node-a" && stream.session.utf8.count == 48)
                let sockets = try SocketClient(rig, SocketClient.centrifuge)
                guard case .text(let reply) = try sockets.ask(SocketClient.connect(rig.token("ann"))) else { return }
                #expect(!reply.contains("session") && !reply.contains("node"))
            }
        }

        @Test(arguments: StreamClient.paths) func aSession(path: String) async throws {
            try await EdgeRig.run { rig in
                let client = try StreamClient.connected(rig, path, token: rig.token("ann"))
                #expect(try client.ask(SocketClient.subscribe("room:a")) == #"{"id":2,"subscribe":{}}"#)
                rig.publish("room:a", #"{"n":1}"#)
                #expect(try client.next() == #"{"push":{"channel":"room:a","pub":{"data":{"n":1}}}}"#)
                #expect(await rig.extrasCount() == 0)
                try client.send(#"{"id":3,"ping":{}}"# + "\n" + SocketClient.subscribe("room:b", id: 4))
                #expect(try client.next() == #"{"id":3,"ping":{}}"#)
                #expect(try client.next() == #"{"id":4,"subscribe":{}}"#)
                #expect(try client.ask(#"{"id":5,"subscribe":{"channel":"nowhere:a"}}"#)?.contains("102") == true)
                #expect(
                    rig.shared.metrics.openByProtocol.filter { $0.open > 0 }.map(\.transport)
                        == [path.contains("sse") ? "sse" : "http_stream"])
                rig.invalidate(.user("ann", before: Int64(Clock.wall)))
                #expect(try client.next() == #"{"push":{"disconnect":{"code":4501,"reason":"user revoked"}}}"#)
                #expect(try client.next() == nil && client.hasEnded)
            }
        }

        @Test func commandsMayComeWithTheConnect() throws {
            try EdgeRig.run { rig in
                let commands = SocketClient.connect(rig.token("ann")) + "\n" + SocketClient.subscribe("room:a")
                for path in StreamClient.paths {
                    let client = try StreamClient.open(rig, path, commands)
                    try client.readConnect(#"{"id":1,"connect":{"client":""#)
                    #expect(try client.next() == #"{"id":2,"subscribe":{}}"#)
                }
            }
        }

        @Test func protobufOnAnHTTPStream() throws {
            try EdgeRig.run { rig in
                let binary = "Content-Type: application/octet-stream"
                let client = try StreamClient(
                    rig, "POST /connection/http_stream", .protobuf, fields: [binary],
                    body: ProtobufText.connect(rig.token("ann")))
                #expect(client.answer.fields["content-type"] == "application/octet-stream")
                let reply = try #require(try client.nextBytes())
                let result = try #require(ProtobufText.find(5, in: reply))
                let session = try #require(ProtobufText.find(9, in: result))
                #expect(ProtobufText.find(10, in: result) == Array("node-a".utf8))
                let poster = try LoopbackClient(port: rig.port)
                let body =
                    ProtobufText.text(1, "node-a") + ProtobufText.bytes(2, session)
                    + ProtobufText.bytes(3, ProtobufText.subscribe("room:a", id: 2))
                let head = LoopbackClient.request("POST /emulation", [binary, "Content-Length: \(body.count)"])
                try poster.send(Array(head.utf8) + body)
                #expect(try HTTPAnswer(poster).status == 204)
                #expect(try client.nextBytes() == [8, 2, 50, 0])
                rig.publish("room:a", "7")
                #expect(try client.nextBytes() == ProtobufText.publication("room:a", "7"))
                rig.hub.tellAll(.drain(window: .zero))
                let last = try #require(try client.nextBytes())
                #expect(String(decoding: last, as: UTF8.self).contains("shutdown"))
                #expect(try client.nextBytes() == nil)
            }
        }

        @Test func olderClientsGetNoChunks() throws {
            try EdgeRig.run { rig in
                let body = Array(SocketClient.connect(rig.token("ann")).utf8)
                let client = try StreamClient(rig, "POST /connection/sse", .events, body: body, version: "1.0")
                #expect(client.answer.fields["transfer-encoding"] == nil)
                #expect(client.answer.fields["connection"] == "close")
                try client.readConnect(#"{"id":1,"connect":{"client":""#)
                #expect(try client.ask(SocketClient.subscribe("room:a")) == #"{"id":2,"subscribe":{}}"#)
                rig.publish("room:a", "1")
                #expect(try client.next() == #"{"push":{"channel":"room:a","pub":{"data":1}}}"#)
                rig.hub.tellAll(.drain(window: .zero))
                #expect(
                    try client.next()
                        == #"{"push":{"disconnect":{"code":3001,"reason":"shutdown","reconnect":true}}}"#)
                #expect(try client.next() == nil)
            }
        }

        @Test func pingsAndPongs() throws {
            // Each client has time to answer while the pings of the others are awaited.
            try EdgeRig.run({
                $0.edge.limits.pingInterval = .seconds(1)
                $0.edge.limits.pongTimeout = .seconds(8)
            }) { rig in
                let clients = try StreamClient.paths.map {
                    try StreamClient.connected(rig, $0, token: rig.token("ann"))
                }
                let silent = try StreamClient.connected(rig, StreamClient.paths[0], token: rig.token("ann"))
                for _ in 0..<2 {
                    for client in clients {
                        #expect(try client.next() == "{}")
                        try client.send("{}")
                    }
                }
                #expect(try silent.next() == "{}")
                #expect(
                    try silent.next()
                        == #"{"push":{"disconnect":{"code":3012,"reason":"no pong","reconnect":true}}}"#)
                #expect(try silent.next() == nil)
            }
        }

        @Test func connectsThatFail() throws {
            try EdgeRig.run { rig in
                let expired = rig.token("ann", age: 7_200, expiresIn: -3_600)
                for path in StreamClient.paths {
                    let late = try StreamClient.open(rig, path, SocketClient.connect(expired))
                    #expect(try late.next() == #"{"id":1,"error":{"code":109,"message":"token expired"}}"#)
                    let wrong = try StreamClient.open(rig, path, SocketClient.connect("not.a.token"))
                    #expect(
                        try wrong.next() == #"{"push":{"disconnect":{"code":3500,"reason":"invalid token"}}}"#)
                    #expect(try wrong.next() == nil)
                    let abuse = try StreamClient.open(rig, path, SocketClient.subscribe("open:a"))
                    #expect(try abuse.next() == #"{"push":{"disconnect":{"code":3501,"reason":"bad request"}}}"#)
                }
            }
        }

        /// Older SDKs come back at once when they are told to during their connect.
        @Test func whoMayComeBackIsHeldForAMoment() throws {
            try EdgeRig.run({
                $0.edge.limits.commandsPerSecond = 0.01
                $0.edge.limits.commandsBurst = 0.5
            }) { rig in
                for path in StreamClient.paths {
                    let start = ContinuousClock.now
                    let client = try StreamClient.open(rig, path, SocketClient.connect(rig.token("ann")))
                    #expect(
                        try client.next()
                            == #"{"push":{"disconnect":{"code":3013,"reason":"too many requests","reconnect":true}}}"#)
                    #expect(try client.next() == nil)
                    let elapsed = start.duration(to: .now)
                    #expect(elapsed > .milliseconds(400))
                }
                // One that goes meanwhile leaves nothing behind.
                let gone = try StreamClient.open(rig, StreamClient.paths[0], SocketClient.connect(rig.token("ann")))
                gone.client.close()
            }
        }

        @Test func withoutAConnectTheStreamEnds() throws {
            try EdgeRig.run({ $0.edge.limits.handshakeDeadline = .seconds(3) }) { rig in
                let expired = rig.token("ann", age: 7_200, expiresIn: -3_600)
                let client = try StreamClient.open(rig, StreamClient.paths[1], SocketClient.connect(expired))
                #expect(try client.next()?.contains("109") == true)
                #expect(try client.next() == #"{"push":{"disconnect":{"code":3502,"reason":"stale"}}}"#)
                #expect(try client.next() == nil)
            }
        }

        @Test(
            arguments: [
                ("GET /connection/sse", [], 400), ("GET /connection/sse?cf_connect=", [], 400),
                ("GET /connection/sse?cf_connect=%ff", [], 400), ("DELETE /connection/sse", [], 405),
                ("POST /connection/sse", [], 400), ("GET /connection/http_stream", [], 405),
                ("POST /connection/http_stream", [], 400),
                ("POST /connection/http_stream", ["Transfer-Encoding: chunked"], 411),
                ("POST /connection/http_stream", ["Content-Length: 65537"], 413),
                ("GET /connection/sse?cf_connect=%7B%7D", ["Origin: https://evil.example"], 403),
                ("GET /emulation", [], 405), ("POST /emulation", [], 400),
                ("POST /emulation", ["Transfer-Encoding: chunked"], 411),
                ("POST /emulation", ["Content-Length: 65537", "Expect: 100-continue"], 413),
                ("POST /emulation", ["Origin: https://evil.example"], 403),
                ("GET /connection/uni_sse?cf_connect=%5B%5D", [], 400), ("GET /connection/uni_http_stream", [], 405),
            ] as [(String, [String], Int)])
        func refusedRequests(line: String, fields: [String], status: Int) throws {
            try EdgeRig.run { rig in
                let client = try LoopbackClient(port: rig.port)
                let answer = try client.ask(line, fields)
                #expect(answer.status == status)
                let hasBody = status == 411 || status == 413
                #expect(answer.fields["connection"] == (hasBody ? "close" : "keep-alive"))
                #expect(rig.shared.placesTaken == 0 && rig.shared.metrics.refusedTotal == 1)
            }
        }

        @Test func whatIsSwitchedOffIsNotThere() throws {
            try EdgeRig.run({ $0.edge.transports = Self.none }) { rig in
                let client = try LoopbackClient(port: rig.port)
                for path in ["sse", "http_stream", "uni_websocket", "uni_sse", "uni_http_stream"] {
                    #expect(try client.ask("GET /connection/\(path)").status == 404)
                }
                #expect(try client.ask("GET /emulation").status == 404)
                #expect(try client.ask("GET /connection/websocket").status == 426)
            }
        }

        private static var none: EdgeConfiguration.Transports {
            var transports = EdgeConfiguration.Transports()
            transports.sse = false
            transports.httpStream = false
            transports.uniWebSocket = false
            transports.uniSSE = false
            transports.uniHTTPStream = false
            return transports
        }

        @Test func preflights() throws {
            try EdgeRig.run { rig in
                let client = try LoopbackClient(port: rig.port)
                for path in ["/connection/sse", "/connection/http_stream", "/emulation", "/connection/uni_http_stream"]
                {
                    let answer = try client.ask(
                        "OPTIONS \(path)",
                        [
                            "Origin: https://page.example", "Access-Control-Request-Method: POST",
                            "Access-Control-Request-Headers: content-type",
                        ], hasBody: false)
                    #expect(answer.status == 204 && answer.fields["access-control-max-age"] == "300")
                    #expect(answer.fields["access-control-allow-origin"] == "https://page.example")
                    #expect(answer.fields["access-control-allow-credentials"] == "true")
                    #expect(answer.fields["access-control-allow-headers"] == "content-type")
                    #expect(answer.fields["access-control-allow-methods"]?.contains("POST") == true)
                }
            }
        }

        @Test func aFullNode() throws {
            try EdgeRig.run({ $0.admission.connectionsMax = 1 }) { rig in
                let first = try StreamClient.connected(rig, StreamClient.paths[0], token: rig.token("ann"))
                // An SDK's event stream comes back by itself; a bare one takes any answer but 200 as final.
                let next = try StreamClient.open(rig, StreamClient.paths[0], SocketClient.connect(rig.token("ann")))
                #expect(next.answer.status == 503 && next.answer.fields["retry-after"] != nil)
                let bare = try StreamClient(rig, "GET /connection/uni_sse")
                #expect(bare.answer.status == 200 && bare.answer.body.hasPrefix("retry: "))
                #expect(try first.send("{}", session: "no") == 400)
            }
        }

        @Test func slowClientsAreEnded() throws {
            try EdgeRig.run({ $0.edge.limits.pendingBytesMax = 65_536 }) { rig in
                let client = try StreamClient.connected(rig, StreamClient.paths[2], token: rig.token("ann"))
                #expect(try client.ask(SocketClient.subscribe("room:a")) != nil)
                let data = "\"" + String(repeating: "x", count: 200_000) + "\""
                for _ in 0..<100 { rig.publish("room:a", data) }
                #expect(EdgeRig.eventually { rig.shared.metrics.slow.total == 1 })
                client.client.close()
            }
        }
    }
}
