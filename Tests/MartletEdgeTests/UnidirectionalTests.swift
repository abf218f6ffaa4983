// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletWire
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Unidirectional transports")
    struct UnidirectionalTests {
        private static let connected = #"{"connect":{"client":""#

        @Test(arguments: StreamClient.unidirectional) func connectAndGoodbye(path: String) throws {
            try EdgeRig.run({ $0.edge.limits.pingInterval = .milliseconds(400) }) { rig in
                let client = try StreamClient.open(rig, path, #"{"token":"\#(rig.token("ann"))"}"#)
                guard let push = try client.next() else { return #expect(Bool(false)) }
                #expect(push.hasPrefix(Self.connected) && push.contains(#""session":""#))
                #expect(!push.contains(#""pong""#) && !push.contains(#""node""#))
                // Nobody answers these.
                for _ in 0..<3 { #expect(try client.next() == "{}") }
                rig.invalidate(.user("ann", before: Int64(Clock.wall)))
                var last = try client.next()
                while last == "{}" { last = try client.next() }
                #expect(last == #"{"disconnect":{"code":4501,"reason":"user revoked"}}"#)
                #expect(try client.next() == nil && client.hasEnded)
            }
        }

        @Test func aRequestWithoutAnything() throws {
            try EdgeRig.run({ $0.edge.allowsAnonymous = true }) { rig in
                let clients = [
                    try StreamClient(rig, "GET /connection/uni_sse"),
                    try StreamClient(rig, "POST /connection/uni_sse", body: []),
                    try StreamClient(rig, "POST /connection/uni_http_stream", .lines, body: []),
                ]
                for client in clients { #expect(try client.next()?.hasPrefix(Self.connected) == true) }
            }
        }

        @Test(arguments: StreamClient.unidirectional) func connectsThatFail(path: String) throws {
            try EdgeRig.run { rig in
                let expired = rig.token("ann", age: 7_200, expiresIn: -3_600)
                let late = try StreamClient.open(rig, path, #"{"token":"\#(expired)"}"#)
                let wrong = try StreamClient.open(rig, path, #"{"token":"not.a.token"}"#)
                let none = try StreamClient.open(rig, path, "{}")
                #expect(
                    try late.next() == #"{"disconnect":{"code":3005,"reason":"connection expired","reconnect":true}}"#)
                #expect(try late.next() == nil)
                #expect(
                    try wrong.rest().contains {
                        $0.hasSuffix(#"{"disconnect":{"code":3500,"reason":"invalid token"}}"#)
                    })
                #expect(
                    try none.rest().contains { $0.hasSuffix(#"{"disconnect":{"code":3501,"reason":"bad request"}}"#) })
            }
        }

        @Test func aBareEventSourceIsToldWhenToComeBack() throws {
            try EdgeRig.run { rig in
                let path = StreamClient.unidirectional[0]
                let connect = #"{"token":"\#(rig.token("ann"))"}"#
                let client = try StreamClient.open(rig, path, connect)
                #expect(try client.next()?.hasPrefix(Self.connected) == true)
                rig.hub.tellAll(.drain(window: .zero))
                let lines = try client.rest().filter { !$0.isEmpty }
                #expect(lines.first?.hasPrefix("retry: ") == true)
                #expect(lines.last == #"data: {"disconnect":{"code":3001,"reason":"shutdown","reconnect":true}}"#)
            }
        }

        @Test func webSocket() throws {
            try EdgeRig.run({
                $0.edge.limits.pingInterval = .seconds(1)
                $0.edge.limits.pongTimeout = .seconds(5)
            }) { rig in
                let connect = #"{"token":"\#(rig.token("ann"))"}"#
                let client = try SocketClient(rig, "/connection/uni_websocket")
                guard case .text(let push) = try client.ask(connect) else { return #expect(Bool(false)) }
                #expect(push.hasPrefix(Self.connected) && push.contains(#""ping":"#) == push.contains(#""ping":1"#))
                // What it says later means nothing.
                try client.send(SocketClient.subscribe("room:a"))
                for _ in 0..<2 {
                    #expect(try client.next() == .text("{}"))
                    #expect(try client.next() == .ping([]))
                    try client.send(.pong, [])
                }
                #expect(try client.next() == .text("{}"))
                #expect(try client.next() == .ping([]))
                #expect(
                    try client.next()
                        == .text(#"{"disconnect":{"code":3012,"reason":"no pong","reconnect":true}}"#))
                #expect(try client.next() == .close(3012, "no pong"))
            }
        }

        @Test func webSocketWithAConnectInItsQuery() throws {
            try EdgeRig.run { rig in
                let query = "cf_connect=%7B%22token%22%3A%22\(rig.token("ann"))%22%7D"
                let client = try SocketClient(rig, "/connection/uni_websocket?\(query)")
                guard case .text(let push) = try client.next() else { return #expect(Bool(false)) }
                #expect(push.hasPrefix(Self.connected))
                rig.hub.tellAll(.drain(window: .zero))
                #expect(
                    try client.next()
                        == .text(#"{"disconnect":{"code":3001,"reason":"shutdown","reconnect":true}}"#))
                #expect(try client.next() == .close(3001, "shutdown"))
                let late = try SocketClient(rig, "/connection/uni_websocket")
                try late.send("[]")
                #expect(try late.closeCode() == 3501)
            }
        }
    }
}
