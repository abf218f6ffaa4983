// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletPolicy
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Requests")
    struct RequestTests {
        @Test func refusalsKeepTheConnectionAlive() throws {
            try EdgeRig.run { rig in
                let client = try LoopbackClient(port: rig.port)
                var answer = try client.ask("GET /nowhere")
                #expect(answer.status == 404 && answer.fields["connection"] == "keep-alive")
                answer = try client.ask("POST /ws")
                #expect(answer.status == 405 && answer.fields["allow"] == "GET")
                answer = try client.ask("DELETE /events?channel=open:a")
                #expect(answer.status == 405 && answer.fields["allow"] == "GET, OPTIONS")
                answer = try client.ask("GET /events?channel=open:a", ["Accept: application/json"])
                #expect(answer.status == 406)
                answer = try client.ask("GET /ws")
                #expect(answer.status == 426 && answer.fields["upgrade"] == "websocket")
                #expect(answer.fields["connection"] == "keep-alive, Upgrade")
                answer = try client.ask("GET /connection/uni_websocket?cf_connect=no", LoopbackClient.upgrade)
                #expect(answer.status == 400)
                answer = try client.ask("HEAD /nowhere", hasBody: false)
                #expect(answer.status == 404 && answer.fields["content-length"] != "0")
                answer = try client.ask("GET /events", ["Authorization: Bearer \(rig.token("ann"))"])
                #expect(answer.status == 400 && answer.body == "No channel is asked for.\n")
                #expect(rig.open == 0 && rig.shared.metrics.refusedTotal == 8)
            }
        }

        @Test func aBodyEndsTheConnection() throws {
            try EdgeRig.run { rig in
                let client = try LoopbackClient(port: rig.port)
                try client.send(LoopbackClient.request("POST /nowhere", ["Content-Length: 3"]) + "abc")
                let answer = try HTTPAnswer(client)
                #expect(answer.status == 404 && answer.fields["connection"] == "close")
                #expect(try client.takeAll().isEmpty)
            }
        }

        @Test(arguments: [
            ("GET /" + String(repeating: "a", count: 9_000), [], 414),
            ("GET /ws", ["X: " + String(repeating: "a", count: 17_000)], 431),
            ("POST /ws", ["Content-Length: 99999999999999999999"], 413),
            ("POST /ws", ["Content-Length: 3", "Transfer-Encoding: chunked"], 400),
            ("GET ws", [], 400),
        ])
        func unreadableHeadsEndTheConnection(line: String, fields: [String], status: Int) throws {
            try EdgeRig.run { rig in
                let client = try LoopbackClient(port: rig.port)
                let answer = try client.ask(line, fields)
                #expect(answer.status == status && answer.fields["connection"] == "close")
                #expect(try client.takeAll().isEmpty)
            }
        }

        @Test func pipelinedRequestsAreAnsweredInTheirOrder() throws {
            try EdgeRig.run { rig in
                let client = try LoopbackClient(port: rig.port)
                let requests =
                    LoopbackClient.request("GET /nowhere") + LoopbackClient.request("GET /ws")
                    + LoopbackClient.request("GET /connection/websocket", LoopbackClient.upgrade)
                try client.send(Array(requests.utf8) + [0x89, 0x80, 1, 2, 3, 4])
                #expect(try HTTPAnswer(client).status == 404)
                #expect(try HTTPAnswer(client).status == 426)
                #expect(try HTTPAnswer(client).status == 101)
                // The answer to a ping that came behind the handshake in one piece with it.
                #expect(try client.take(2) == [0x8A, 0])
            }
        }

        @Test func aHeadMayComeByteByByte() throws {
            try EdgeRig.run { rig in
                let client = try LoopbackClient(port: rig.port)
                for byte in LoopbackClient.request("GET /nowhere").utf8 { try client.send([byte]) }
                #expect(try HTTPAnswer(client).status == 404)
            }
        }

        @Test func theHandshakeHasADeadline() throws {
            try EdgeRig.run({ $0.edge.limits.handshakeDeadline = .seconds(1) }) { rig in
                let silent = try LoopbackClient(port: rig.port)
                let slow = try LoopbackClient(port: rig.port)
                try slow.send("GET /ws HTTP/1.1\r\nHost: ")
                let kept = try LoopbackClient(port: rig.port)
                #expect(try kept.ask("GET /nowhere").status == 404)
                #expect(try silent.takeAll().isEmpty)
                #expect(try slow.takeAll().isEmpty)
                #expect(try kept.takeAll().isEmpty)
                // A WebSocket must say who it is within the same time.
                let idle = try SocketClient(rig, SocketClient.centrifuge)
                #expect(try idle.closeCode() == 3502)
                let plain = try SocketClient(rig, "/ws")
                #expect(try plain.closeCode() == 3502)
            }
        }

        /// Nobody could revoke it, or ask about it.
        @Test func aTokenThatNamesNobodyIsNoWayIn() throws {
            try EdgeRig.run { rig in
                let token = rig.token("")
                let centrifuge = try SocketClient(rig, SocketClient.centrifuge)
                try centrifuge.send(SocketClient.connect(token))
                #expect(try centrifuge.closeCode() == 3507)
                let plain = try SocketClient(rig, "/ws")
                try plain.send(#"{"jsonrpc":"2.0","id":1,"method":"connect","params":{"token":"\#(token)"}}"#)
                #expect(try plain.closeCode() == 3507)
                let client = try LoopbackClient(port: rig.port)
                #expect(try client.ask("GET /events?channel=open:a&access_token=\(token)").status == 401)
            }
            try EdgeRig.run({ $0.edge.allowsAnonymous = true }) { rig in
                _ = try SocketClient.connected(rig, token: rig.token(""))
            }
        }

        // MARK: - Origins

        @Test func pagesOfOtherOrigins() throws {
            try EdgeRig.run { rig in
                let page = "Origin: https://page.example"
                let client = try LoopbackClient(port: rig.port)
                var answer = try client.ask(
                    "OPTIONS /events", [page, "Access-Control-Request-Method: GET"], hasBody: false)
                #expect(answer.status == 204 && answer.fields["access-control-allow-origin"] == "https://page.example")
                #expect(answer.fields["access-control-allow-headers"]?.contains("Authorization") == true)
                answer = try client.ask("OPTIONS /events", ["Origin: https://evil.example"], hasBody: false)
                #expect(answer.status == 204 && answer.fields["access-control-allow-origin"] == nil)
                answer = try client.ask("GET /events?channel=open:a", ["Origin: https://evil.example"])
                #expect(answer.status == 403)
                answer = try client.ask("GET /ws", LoopbackClient.upgrade + ["Origin: https://evil.example"])
                #expect(answer.status == 403)
                // A refusal may be read by the page that asked.
                answer = try client.ask("GET /events?channel=open:a&access_token=x", [page])
                #expect(answer.status == 401 && answer.fields["access-control-allow-credentials"] == "true")
                let events = try EventClient(rig, "channel=room:a&access_token=\(rig.token("ann"))", fields: [page])
                #expect(events.answer.status == 200)
                #expect(events.answer.fields["access-control-allow-origin"] == "https://page.example")
                #expect(try SocketClient(rig, "/ws", fields: [page]).answer.status == 101)
            }
        }

        @Test func aCookieNeedsAnOrigin() throws {
            try EdgeRig.run({ $0.edge.tokenCookie = "session" }) { rig in
                let cookie = "Cookie: a=b; session=\(rig.token("ann"))"
                let client = try LoopbackClient(port: rig.port)
                #expect(try client.ask("GET /ws", LoopbackClient.upgrade + [cookie]).status == 403)
                let own = try SocketClient(rig, "/ws", fields: [cookie, "Origin: https://edge.example"])
                #expect(
                    try own.ask(#"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"channel":"room:a"}}"#)
                        == .text(#"{"jsonrpc":"2.0","id":1,"result":{}}"#))
                let events = try EventClient(rig, "channel=room:a", fields: [cookie, "Sec-Fetch-Site: same-origin"])
                #expect(events.answer.status == 200)
                for site in ["cross-site", "same-site"] {
                    let crossing = try EventClient(rig, "channel=room:a", fields: [cookie, "Sec-Fetch-Site: \(site)"])
                    #expect(crossing.answer.status == 403)
                }
            }
        }

        @Test func developmentModeServesLoopbackOnly() throws {
            try EdgeRig.run({
                $0.edge.isDevelopment = true
                $0.edge.allowsAnonymous = true
            }) { rig in
                let client = try LoopbackClient(port: rig.port)
                #expect(try client.ask("GET /ws", LoopbackClient.upgrade + ["Host: rebound.example"]).status == 403)
                #expect(
                    try client.ask("GET /ws", LoopbackClient.upgrade + ["Host: 127.0.0.1.evil.example"]).status == 403)
                let page = ["Host: localhost:8000", "Origin: https://page.example"]
                #expect(try client.ask("GET /ws", LoopbackClient.upgrade + page).status == 403)
                let own = ["Host: 127.0.0.1:8000", "Origin: http://localhost:9000"]
                #expect(try client.ask("GET /ws", LoopbackClient.upgrade + own).status == 101)
            }
        }
    }
}
