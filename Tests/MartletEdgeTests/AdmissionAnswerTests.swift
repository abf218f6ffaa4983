// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletPolicy
import MartletSessions
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Who may come in")
    struct AdmissionAnswerTests {
        @Test func aFullNodeSaysComeLater() throws {
            try EdgeRig.run({ $0.admission.connectionsMax = 1 }) { rig in
                let first = try SocketClient.connected(rig, token: rig.token("ann"))
                let client = try LoopbackClient(port: rig.port)
                let answer = try client.ask("GET /ws", LoopbackClient.upgrade)
                #expect(answer.status == 503 && answer.fields["connection"] == "keep-alive")
                #expect(answer.fields["retry-after"].flatMap { Int($0) }.map { (1...8).contains($0) } == true)
                let events = try EventClient(rig, "channel=room:a&access_token=\(rig.token("ann"))")
                #expect(events.answer.status == 200)
                #expect(events.answer.fields["content-type"] == "text/event-stream; charset=utf-8")
                #expect(events.answer.fields["connection"] == "close")
                #expect(events.answer.body.hasPrefix("retry: ") && events.answer.body.hasSuffix("000\n\n"))
                #expect(rig.open == 1 && rig.shared.isFull && rig.shared.metrics.refusedTotal == 2)
                // The place of one that goes is free, also for the connection that was refused.
                first.close()
                #expect(EdgeRig.eventually { rig.open == 0 })
                #expect(try client.ask("GET /ws", LoopbackClient.upgrade).status == 101)
            }
        }

        @Test(arguments: [Admission.Mode.starting, .draining]) func aNodeThatIsNotReady(mode: Admission.Mode) throws {
            try EdgeRig.run({ $0.mode = mode }) { rig in
                let client = try LoopbackClient(port: rig.port)
                let answer = try client.ask("GET /ws", LoopbackClient.upgrade)
                #expect(answer.status == 503)
                #expect(answer.fields["connection"] == (mode == .draining ? "close" : "keep-alive"))
                let events = try EventClient(rig, "channel=open:a")
                #expect(events.answer.status == 200 && events.answer.body.hasPrefix("retry: "))
                rig.shared.setAdmission(.ready)
                let later = try LoopbackClient(port: rig.port)
                // A node that drains is never ready again.
                #expect(try later.ask("GET /ws", LoopbackClient.upgrade).status == (mode == .draining ? 503 : 101))
            }
        }

        @Test func aProxyMayWantAStatusForAnEventStream() throws {
            let asked = ["Martlet-Refuse: status"]
            try EdgeRig.run({ $0.mode = .draining }) { rig in
                let events = try EventClient(rig, "channel=open:a", fields: asked)
                #expect(events.answer.status == 503 && events.answer.fields["retry-after"] != nil)
                let other = try EventClient(rig, "channel=open:a", fields: ["Martlet-Refuse: no"])
                #expect(other.answer.status == 200 && other.answer.body.hasPrefix("retry: "))
            }
            // What is the client's own fault no other node need be asked.
            try EdgeRig.run({
                $0.admission.connectionsPerUserMax = 1
                $0.edge.limits.connectionsPerUserMax = 1
            }) { rig in
                let query = "channel=room:a&access_token=\(rig.token("ann"))"
                let first = try EventClient(rig, query, fields: asked)
                #expect(first.answer.status == 200)
                let second = try EventClient(rig, query, fields: asked)
                #expect(second.answer.status == 200 && second.answer.body.hasPrefix("retry: "))
            }
        }

        @Test func connectsPerSecond() throws {
            try EdgeRig.run({ $0.admission.connectsPerSecond = 2 }) { rig in
                let clients = try (0..<3).map { _ in try LoopbackClient(port: rig.port) }
                let statuses = try clients.map { try $0.ask("GET /ws", LoopbackClient.upgrade).status }
                #expect(statuses == [101, 101, 503])
            }
        }

        @Test func addressesBehindATrustedProxy() throws {
            try EdgeRig.run({
                $0.admission.connectionsPerAddressMax = 2
                $0.edge.limits.connectionsPerAddressMax = 2
                $0.admission.trustedProxies = [CIDR("127.0.0.1/32")].compactMap { $0 }
                $0.edge.trustedProxies = $0.admission.trustedProxies
            }) { rig in
                let lines = ["X-Forwarded-For: 6.6.6.6, 10.0.0.1"]
                var held: [LoopbackClient] = []
                for status in [101, 101, 429] {
                    let client = try LoopbackClient(port: rig.port)
                    let answer = try client.ask("GET /ws", LoopbackClient.upgrade + lines)
                    #expect(answer.status == status && (answer.fields["retry-after"] != nil) == (status == 429))
                    held.append(client)
                }
                let events = try EventClient(rig, "channel=open:a", fields: lines)
                #expect(events.answer.status == 200 && events.answer.body.hasPrefix("retry: "))
                let other = try LoopbackClient(port: rig.port)
                #expect(try other.ask("GET /ws", LoopbackClient.upgrade + ["X-Forwarded-For: 10.0.0.2"]).status == 101)
                // The proxy's own address is never limited; what an untrusted peer says is not believed.
                let own = try (0..<3).map { _ in try LoopbackClient(port: rig.port) }
                #expect(try own.map { try $0.ask("GET /ws", LoopbackClient.upgrade).status } == [101, 101, 101])
                let liars = try (0..<3).map { _ in try LoopbackClient(port: rig.port, from: 2) }
                let statuses = try liars.enumerated().map { number, liar in
                    try liar.ask("GET /ws", LoopbackClient.upgrade + ["X-Forwarded-For: 10.1.0.\(number)"]).status
                }
                #expect(statuses == [101, 101, 429])
                // One that goes makes room for one.
                held.removeFirst().close()
                #expect(EdgeRig.eventually { (try? SocketClient(rig, "/ws", fields: lines)) != nil })
            }
        }

        @Test func usersHaveALimit() throws {
            try EdgeRig.run({
                $0.admission.connectionsPerUserMax = 2
                $0.edge.limits.connectionsPerUserMax = 2
            }) { rig in
                let token = rig.token("ann")
                let first = try SocketClient.connected(rig, token: token)
                let second = try EventClient(rig, "channel=room:a&access_token=\(token)")
                #expect(second.answer.status == 200)
                let third = try SocketClient(rig, SocketClient.centrifuge)
                try third.send(SocketClient.connect(token))
                #expect(try third.closeCode() == 3504)
                let events = try EventClient(rig, "channel=room:a&access_token=\(token)")
                #expect(events.answer.body.hasPrefix("retry: "))
                let plain = try LoopbackClient(port: rig.port)
                let bearer = LoopbackClient.upgrade + ["Authorization: Bearer \(token)"]
                #expect(try plain.ask("GET /ws", bearer).status == 429)
                try SocketClient.connected(rig, token: rig.token("bob")).close()
                first.close()
                #expect(EdgeRig.eventually { (try? plain.ask("GET /ws", bearer).status) == 101 })
            }
        }

        @Test func aTokenThatIsTooOldHoldsNoPlaceOfItsUser() throws {
            try EdgeRig.run({
                $0.admission.connectionsPerUserMax = 1
                $0.edge.limits.connectionsPerUserMax = 1
            }) { rig in
                rig.revocations.raiseFloor(to: Int64(Clock.wall) - 100)
                let (old, fresh) = (rig.token("ann", age: 200), rig.token("ann", age: 0))
                let plain = try SocketClient(rig, "/ws")
                for (id, token) in [old, old, fresh].enumerated() {
                    let answer = try plain.ask(
                        #"{"jsonrpc":"2.0","id":\#(id),"method":"connect","params":{"token":"\#(token)"}}"#)
                    guard case .text(let text) = answer else { return #expect(answer == .text("an answer")) }
                    #expect(text.contains(token == fresh ? #""result""# : #""code":109"#))
                }
                plain.close()
                #expect(EdgeRig.eventually { rig.open == 0 })
                let client = try SocketClient(rig, SocketClient.centrifuge)
                #expect(
                    try client.ask(SocketClient.connect(old))
                        == .text(#"{"id":1,"error":{"code":109,"message":"token expired"}}"#))
                // The refused connection is still open, but it is nobody's.
                try SocketClient.connected(rig, token: fresh).close()
                #expect(try client.ask(SocketClient.connect(fresh, id: 2)) == .close(3501, "bad request"))
            }
        }
    }
}
