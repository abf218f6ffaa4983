// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletInstruments
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Event streams")
    struct EventStreamTests {
        @Test func bytesOfAStream() throws {
            try EdgeRig.run { rig in
                let client = try LoopbackClient(port: rig.port)
                let answer = try client.ask(
                    "GET /events?channel=room:a",
                    ["Authorization: Bearer \(rig.token("ann"))", "Accept: text/event-stream"])
                #expect(answer.status == 200)
                #expect(answer.fields["content-type"] == "text/event-stream; charset=utf-8")
                #expect(answer.fields["cache-control"] == "no-cache, no-transform")
                #expect(answer.fields["x-accel-buffering"] == "no")
                #expect(answer.fields["transfer-encoding"] == "chunked")
                // Each client is told another time, of four digits with the default.
                let beginning = try client.take(through: ":subscribed\n\r\n")
                let (first, last) = ("d\r\nretry: ", "\n\n\r\nc\r\n:subscribed\n\r\n")
                #expect(beginning.hasPrefix(first) && beginning.hasSuffix(last))
                #expect(beginning.utf8.count == first.utf8.count + 4 + last.utf8.count)
                rig.publish("room:a", #"{"n":1}"#)
                let data = "data: {\"channel\":\"room:a\",\"data\":{\"n\":1}}\n\n"
                #expect(try client.take(through: "\n\n\r\n") == "2b\r\n\(data)\r\n")
                #expect(data.utf8.count == 0x2b)
            }
        }

        @Test func severalChannels() throws {
            try EdgeRig.run { rig in
                let token = rig.token("ann", channels: ["secret:x"])
                let client = try EventClient(
                    rig, "channel=room:a&channel=open%3Ab&channel=room:a&channel=secret:x&access_token=\(token)")
                try client.skip(to: ":subscribed")
                #expect(rig.hubMetrics.subscriptions.current == 3)
                for channel in ["room:a", "open:b", "secret:x"] { rig.publish(channel, "1") }
                for channel in ["room:a", "open:b", "secret:x"] {
                    #expect(try client.event() == [#"data: {"channel":"\#(channel)","data":1}"#])
                }
                // Without any in the query the token's own are meant.
                let own = try EventClient(rig, "access_token=\(token)")
                try own.skip(to: ":subscribed")
                rig.publish("secret:x", "2")
                #expect(try own.event() == [#"data: {"channel":"secret:x","data":2}"#])
            }
        }

        @Test(arguments: [
            ("channel=nowhere:a", 403), ("channel=secret:a", 403), ("channel=room:a&channel=secret:a", 403),
            ("channel=", 400), ("channel=a%20b", 400), ("channel=%ff", 400), ("", 400),
        ])
        func channelsThatMayNotBeRead(query: String, status: Int) throws {
            try EdgeRig.run { rig in
                let client = try EventClient(rig, query + "&access_token=\(rig.token("ann"))")
                #expect(client.answer.status == status && client.answer.fields["connection"] == "keep-alive")
                #expect(rig.shared.placesTaken == 0)
            }
        }

        @Test func tooManyChannels() throws {
            try EdgeRig.run({
                $0.edge.limits.eventChannelsMax = 3
                $0.edge.limits.subscriptionsMax = 2
            }) { rig in
                let token = "access_token=\(rig.token("ann"))"
                let names = (0..<4).map { "channel=room:\($0)" }
                #expect(try EventClient(rig, (names + [token]).joined(separator: "&")).answer.status == 400)
                let client = try EventClient(rig, (names.prefix(3) + [token]).joined(separator: "&"))
                #expect(client.answer.status == 200)
                #expect(try client.event()?.first == "event: disconnect")
                #expect(try client.rest().allSatisfy { $0.isEmpty })
            }
        }

        @Test func olderClientsGetNoChunks() throws {
            try EdgeRig.run { rig in
                let client = try EventClient(rig, "channel=room:a&access_token=\(rig.token("ann"))", version: "1.0")
                #expect(client.answer.status == 200 && client.answer.fields["transfer-encoding"] == nil)
                #expect(client.answer.fields["connection"] == "close")
                try client.skip(to: ":subscribed")
                rig.publish("room:a", "1")
                #expect(try client.event() == [#"data: {"channel":"room:a","data":1}"#])
                rig.invalidate(.user("ann", before: Int64(Clock.wall)))
                #expect(try client.event()?.first == "event: disconnect")
                #expect(try client.line() == nil)
            }
            try EdgeRig.run({ $0.edge.eventsChunked = false }) { rig in
                let client = try EventClient(rig, "channel=room:a&access_token=\(rig.token("ann"))")
                #expect(client.answer.fields["transfer-encoding"] == nil)
                try client.skip(to: ":subscribed")
            }
        }

        @Test(arguments: [1, 2, 3, 2_048]) func padding(bytes: Int) throws {
            try EdgeRig.run({ $0.edge.eventPaddingBytes = bytes }) { rig in
                let client = try EventClient(rig, "channel=room:a&access_token=\(rig.token("ann"))")
                let line = try client.line()
                #expect(line == ":" + String(repeating: " ", count: max(0, bytes - 2)))
                #expect(try client.line()?.hasPrefix("retry: ") == true)
            }
        }

        @Test func gapsAreTold() throws {
            try EdgeRig.run { rig in
                let client = try EventClient(rig, "channel=room:a&access_token=\(rig.token("ann"))")
                try client.skip(to: ":subscribed")
                rig.hub.gap(["room:a"])
                #expect(try client.event() == ["event: gap", #"data: {"channel":"room:a"}"#])
            }
        }

        @Test func revokedStreamsEndAndStayAway() throws {
            try EdgeRig.run { rig in
                let query = "channel=room:a&access_token=\(rig.token("ann", session: "s"))"
                let client = try EventClient(rig, query)
                try client.skip(to: ":subscribed")
                rig.invalidate(.session("s"))
                #expect(
                    try client.event()
                        == ["event: disconnect", #"data: {"code":4500,"reason":"session revoked","reconnect":false}"#])
                #expect(try client.line() == nil && client.hasEnded)
                let back = try EventClient(rig, query)
                #expect(back.answer.status == 401 && back.answer.body == "This token has ended: session revoked.\n")
                #expect(try back.client.ask("GET /nowhere").status == 404)
                #expect(rig.shared.metrics.refusedTotal == 2)
            }
        }

        @Test func theBusAcknowledgesLateOrNever() throws {
            let bus = ScriptedBus()
            try EdgeRig.run({ $0.bus = bus }) { rig in
                let clients = try (0..<3).map { _ in
                    try EventClient(rig, "channel=room:a&channel=room:b&access_token=\(rig.token("ann"))")
                }
                for client in clients { #expect(try client.line()?.hasPrefix("retry: ") == true) }
                bus.acknowledge("room:a")
                bus.deliver("room:a", "1")
                for client in clients {
                    #expect(try client.line() == "")
                    #expect(try client.line() == #"data: {"channel":"room:a","data":1}"#)
                }
                bus.acknowledge("room:b", error: .unavailable)
                for client in clients {
                    let lines = try client.rest().filter { !$0.isEmpty }
                    #expect(lines.count == 1 && lines[0].hasPrefix("retry: ") && client.hasEnded)
                }
                #expect(EdgeRig.eventually { rig.open == 0 })
                #expect(bus.channels.isEmpty && rig.hubMetrics.channels.current == 0)
            }
        }
    }
}
