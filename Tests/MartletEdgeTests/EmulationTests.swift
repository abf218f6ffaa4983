// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletInstruments
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Emulation")
    struct EmulationTests {
        @Test func anyNodeTakesCommands() throws {
            let bus = ScriptedBus()
            try EdgeRig.run({ $0.bus = bus }) { rig in
                try EdgeRig.run({
                    $0.bus = bus
                    $0.node = "node-b"
                }) { other in
                    let client = try StreamClient.connected(rig, StreamClient.paths[0], token: rig.token("ann"))
                    #expect(client.node == "node-a")
                    let poster = try LoopbackClient(port: other.port)
                    // Pipelined: each waits for the answer to the one before it, and their order stays.
                    let requests = (2..<40).map { id in
                        let body = StreamClient.body(
                            #"{"id":\#(id),"ping":{}}"#, node: client.node, session: client.session)
                        return LoopbackClient.post("/emulation", body)
                    }
                    try poster.send(requests.joined())
                    for id in 2..<40 {
                        #expect(try HTTPAnswer(poster).status == 204)
                        #expect(try client.next() == #"{"id":\#(id),"ping":{}}"#)
                    }
                    let outcomes = other.metrics.exposition()
                    #expect(outcomes.contains(#"martlet_emulation_requests_total{outcome="relayed"} 38"#))
                    #expect(!rig.metrics.exposition().contains(#"outcome="local"} 1"#))
                    // A secret of one node is none of another.
                    #expect(try client.send("{}", by: other, node: "node-b") == 204)
                    #expect(other.metrics.exposition().contains(#"outcome="wrong_session"} 1"#))
                }
            }
        }

        @Test func answers() throws {
            let bus = ScriptedBus()
            try EdgeRig.run({ $0.bus = bus }) { rig in
                let client = try StreamClient.connected(rig, StreamClient.paths[2], token: rig.token("ann"))
                #expect(try client.send(#"{"id":2,"ping":{}}"#) == 204)
                #expect(try client.next() == #"{"id":2,"ping":{}}"#)
                #expect(try client.send("{}", node: "node-x") == 404)
                #expect(try client.send("{}", node: ScriptedBus.unreachable) == 500)
                #expect(try client.send("{}", node: "") == 400)
                #expect(try client.send("{}", node: String(repeating: "n", count: 65)) == 400)
                #expect(try client.send("{}", session: String(client.session.dropLast())) == 400)
                // Who does not know the secret is not told so, and not heard.
                let wrong = String(client.session.dropLast()) + (client.session.hasSuffix("0") ? "1" : "0")
                #expect(try client.send(#"{"id":3,"ping":{}}"#, session: wrong) == 204)
                #expect(try client.ask(#"{"id":4,"ping":{}}"#) == #"{"id":4,"ping":{}}"#)
                let counts = rig.metrics.exposition()
                for line in ["local\"} 2", "unknown_node\"} 1", "failed\"} 1", "wrong_session\"} 1"] {
                    #expect(counts.contains("martlet_emulation_requests_total{outcome=\"" + line), "\(line)")
                }
                let poster = try LoopbackClient(port: rig.port)
                for body in ["", "{", "[]", "7"] { #expect(try poster.post("/emulation", body).status == 400) }
                // What is no command ends the stream, not the request.
                #expect(try client.send("no command") == 204)
                #expect(try client.next() == #"{"push":{"disconnect":{"code":3501,"reason":"bad request"}}}"#)
                #expect(try client.next() == nil)
                #expect(EdgeRig.eventually { rig.open == 0 })
                #expect(try client.send("{}") == 204)
            }
        }

        @Test func theAnswerMayBeReadByAPage() throws {
            try EdgeRig.run { rig in
                let client = try StreamClient.connected(rig, StreamClient.paths[0], token: rig.token("ann"))
                let poster = try LoopbackClient(port: rig.port)
                let body = StreamClient.body(#"{"id":2,"ping":{}}"#, node: client.node, session: client.session)
                let answer = try poster.post("/emulation", body, ["Origin: https://page.example"])
                #expect(answer.status == 204 && answer.fields["connection"] == "keep-alive")
                #expect(answer.fields["access-control-allow-origin"] == "https://page.example")
                #expect(try poster.post("/emulation", body).status == 204)
                #expect(try client.next() == #"{"id":2,"ping":{}}"#)
            }
        }

        @Test func aBodyMayComeByteByByte() throws {
            try EdgeRig.run { rig in
                let client = try StreamClient.connected(rig, StreamClient.paths[0], token: rig.token("ann"))
                let body = StreamClient.body(#"{"id":2,"ping":{}}"#, node: client.node, session: client.session)
                let poster = try LoopbackClient(port: rig.port)
                for _ in 0..<2 {
                    for byte in LoopbackClient.post("/emulation", body).utf8 { try poster.send([byte]) }
                    #expect(try HTTPAnswer(poster).status == 204)
                    #expect(try client.next() == #"{"id":2,"ping":{}}"#)
                }
                let bytes = Array(
                    LoopbackClient.post("/connection/http_stream", SocketClient.connect(rig.token("ann"))).utf8)
                let slow = try LoopbackClient(port: rig.port)
                for byte in bytes { try slow.send([byte]) }
                #expect(try HTTPAnswer(slow).status == 200)
            }
        }

        @Test func aBodyOfTheLargestSize() throws {
            try EdgeRig.run { rig in
                let client = try StreamClient.connected(rig, StreamClient.paths[0], token: rig.token("ann"))
                let command = #"{"id":2,"ping":{}}"#
                let least = StreamClient.body(command, node: client.node, session: client.session).utf8.count
                let padding = String(repeating: " ", count: rig.shared.configuration.limits.messageBytesMax - least)
                let poster = try LoopbackClient(port: rig.port)
                let body = StreamClient.body(padding + command, node: client.node, session: client.session)
                let long = "X-Long: " + String(repeating: "x", count: 12_000)
                #expect(try poster.post("/emulation", body, [long]).status == 204)
                #expect(try client.next() == #"{"id":2,"ping":{}}"#)
                let more = try poster.post("/emulation", body + " ")
                #expect(more.status == 413 && more.fields["connection"] == "close")
            }
        }

        @Test func aBodyThatWaitsToBeAsked() throws {
            try EdgeRig.run { rig in
                let poster = try LoopbackClient(port: rig.port)
                try poster.send(
                    LoopbackClient.request("POST /emulation", ["Content-Length: 2", "Expect: 100-continue"]))
                #expect(try poster.take(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
                try poster.send("{")
                try poster.send("}")
                #expect(try HTTPAnswer(poster).status == 400)
            }
        }

        @Test func aBodyHasADeadline() throws {
            try EdgeRig.run({ $0.edge.limits.handshakeDeadline = .milliseconds(300) }) { rig in
                let poster = try LoopbackClient(port: rig.port)
                try poster.send(LoopbackClient.request("POST /emulation", ["Content-Length: 2"]) + "{")
                #expect(try poster.takeAll().isEmpty)
            }
        }

        @Test func sessionsCannotBeDerived() throws {
            let (secrets, others) = (SessionSecrets(), SessionSecrets())
            let id = ConnectionID(shard: 3, generation: 7, slot: 11)
            let text = secrets.text(of: id)
            #expect(secrets.connection(text) == id && others.connection(text) == nil)
            #expect(others.text(of: id) != text)
            let neighbour = ConnectionID(shard: 3, generation: 7, slot: 12)
            let forged = String(others.text(of: neighbour).prefix(16)) + String(text.dropFirst(16))
            #expect(SessionSecrets.isPlausible(forged) && secrets.connection(forged) == nil)
            for text in ["", "x", text.uppercased(), text + "0", String(text.dropLast()) + "é"] {
                #expect(!SessionSecrets.isPlausible(text) && secrets.connection(text) == nil)
            }
        }
    }
}
