// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import MartletCore
import MartletHub
import MartletInstruments
import MartletWire
import TestSupport
import Testing

@testable import MartletEdge

extension LoopbackTests {
    @Suite("Subscriptions that take patches") struct DeltaTests {
        private static func namespaces(_ options: inout EdgeRig.Options) {
            var live = NamespaceOptions(name: "live", subscribe: .authenticated, publish: .subscribers)
            live.delta = .fossil
            var log = live
            log.name = "log"
            log.historySize = 5
            options.edge.namespaces = NamespaceTable([
                live, log, NamespaceOptions(name: "room", subscribe: .authenticated),
            ])
        }

        private static func subscribe(_ channel: String, id: Int = 2, _ more: String = "") -> String {
            #"{"id":\#(id),"subscribe":{"channel":"\#(channel)","delta":"fossil"\#(more)}}"#
        }

        /// What changes little.
        private static func payload(_ number: Int) -> String {
            #"{"symbol":"MRTL","price":\#(number),"venue":"Zürich","book":["bid","ask","bid","ask","bid","ask"]}"#
        }

        private static func publish(_ rig: EdgeRig, _ channel: String, _ numbers: ClosedRange<Int>) {
            let history = HistoryOptions(size: 5, ttl: .seconds(300))
            for number in numbers {
                let data = Array(Self.payload(number).utf8)
                let publication = Publication(channel: channel, data: data, time: Clock.wall)
                let options = PublishOptions(history: channel.hasPrefix("log") ? history : nil)
                rig.bus.publish(publication, options) { _ in }
            }
        }

        @Test func areGrantedWhereTheNamespaceHasThem() throws {
            try EdgeRig.run(Self.namespaces) { rig in
                let client = try SocketClient.connected(rig, token: rig.token("ann"))
                #expect(try client.ask(Self.subscribe("live:a")) == .text(#"{"id":2,"subscribe":{"delta":true}}"#))
                #expect(try client.ask(Self.subscribe("room:a", id: 3)) == .text(#"{"id":3,"subscribe":{}}"#))
                let plain = #"{"id":4,"subscribe":{"channel":"live:b"}}"#
                #expect(try client.ask(plain) == .text(#"{"id":4,"subscribe":{}}"#))
                let other = #"{"id":5,"subscribe":{"channel":"live:c","delta":"vcdiff"}}"#
                #expect(try client.ask(other) == .text(#"{"id":5,"subscribe":{}}"#))
                rig.publish("room:a", "{}")
                #expect(try client.text() == #"{"push":{"channel":"room:a","pub":{"data":{}}}}"#)
                client.close()
            }
        }

        @Test func beginInFullAndGoOnInPatches() throws {
            try EdgeRig.run(Self.namespaces) { rig in
                let early = try SocketClient.connected(rig, token: rig.token("ann"))
                let plain = try SocketClient.connected(rig, token: rig.token("bob"))
                let late = try SocketClient.connected(rig, token: rig.token("cat"))
                _ = try early.ask(Self.subscribe("live:a"))
                _ = try plain.ask(SocketClient.subscribe("live:a"))
                let (first, second) = (DeltaReader(), DeltaReader())
                func expect(_ number: Int, _ client: SocketClient, _ reader: DeltaReader) throws {
                    #expect(try reader.texts(client.text()) == [Self.payload(number)])
                }
                for number in 1...3 {
                    Self.publish(rig, "live:a", number...number)
                    try expect(number, early, first)
                    let text = #"{"push":{"channel":"live:a","pub":{"data":\#(Self.payload(number))}}}"#
                    #expect(try plain.text() == text)
                }
                _ = try late.ask(Self.subscribe("live:a"))
                for number in 4...6 {
                    Self.publish(rig, "live:a", number...number)
                    try expect(number, early, first)
                    try expect(number, late, second)
                }
                #expect(first.kinds == "fppppp" && second.kinds == "fpp")
                // What has nothing in common with the last comes in full, and what follows is against that.
                rig.publish("live:a", "[7]")
                Self.publish(rig, "live:a", 8...8)
                #expect(try first.texts(early.text()) == ["[7]"])
                try expect(8, early, first)
                #expect(first.kinds == "fpppppff")
                for client in [early, plain, late] { client.close() }
            }
        }

        @Test func goWithWhatIsRecovered() throws {
            try EdgeRig.run(Self.namespaces) { rig in
                let client = try SocketClient.connected(rig, token: rig.token("ann"))
                let reader = DeltaReader()
                let reply = try #require(
                    try client.command(#""subscribe":{"channel":"log:a","delta":"fossil"}"#) as String?)
                let epoch = try #require(reply.firstMatch(of: /"epoch":"([^"]+)"/)).1
                Self.publish(rig, "log:a", 1...1)
                #expect(try reader.texts(client.text()) == [Self.payload(1)])
                _ = try client.command(#""unsubscribe":{"channel":"log:a"}"#)
                Self.publish(rig, "log:a", 2...4)
                let back = try SocketClient.connected(rig, token: rig.token("ann"))
                let other = DeltaReader()
                let more = #","recover":true,"offset":1,"epoch":"\#(epoch)""#
                guard case .text(let text) = try back.ask(Self.subscribe("log:a", more)) else { return }
                #expect(text.contains(#""recovered":true"#) && text.contains(#""delta":true}}"#))
                #expect(try other.texts(text) == (2...4).map(Self.payload))
                // The live stream goes on against the last of them.
                Self.publish(rig, "log:a", 5...5)
                #expect(try other.texts(back.text()) == [Self.payload(5)])
                #expect(other.kinds == "fppp")
                // What has no position comes between; who did not see it gets the next in full.
                rig.publish("log:a", Self.payload(55))
                #expect(try other.texts(back.text()) == [Self.payload(55)])
                let third = DeltaReader()
                let last = #","recover":true,"offset":4,"epoch":"\#(epoch)""#
                guard case .text(let later) = try client.ask(Self.subscribe("log:a", last)) else { return }
                #expect(try third.texts(later) == [Self.payload(5)])
                Self.publish(rig, "log:a", 6...6)
                #expect(try third.texts(client.text()) == [Self.payload(6)])
                #expect(try other.texts(back.text()) == [Self.payload(6)])
                #expect(third.kinds == "ff" && other.kinds == "fppppp")
                for each in [client, back] { each.close() }
            }
        }

        @Test(arguments: StreamClient.paths) func goOverStreams(path: String) throws {
            try EdgeRig.run(Self.namespaces) { rig in
                let client = try StreamClient.connected(rig, path, token: rig.token("ann"))
                #expect(try client.ask(Self.subscribe("live:a")) == #"{"id":2,"subscribe":{"delta":true}}"#)
                let reader = DeltaReader()
                for number in 1...3 {
                    Self.publish(rig, "live:a", number...number)
                    #expect(try reader.texts(try #require(try client.next())) == [Self.payload(number)])
                }
                #expect(reader.kinds == "fpp")
                client.client.close()
            }
        }

        @Test func areBytesInProtobuf() throws {
            try EdgeRig.run(Self.namespaces) { rig in
                let client = try SocketClient(rig, SocketClient.centrifuge + "?format=protobuf")
                try client.send(.binary, ProtobufText.connect(rig.token("ann")))
                _ = try client.next()
                let request = ProtobufText.text(1, "live:a") + ProtobufText.text(12, "fossil")
                try client.send(
                    .binary, ProtobufText.delimited(ProtobufText.number(1, 2) + ProtobufText.bytes(5, request)))
                #expect(try client.next() == .binary(ProtobufText.delimited([8, 2, 50, 2, 0x68, 1])))
                let reader = DeltaReader()
                for number in 1...3 {
                    Self.publish(rig, "live:a", number...number)
                    guard case .binary(let bytes) = try client.next() else { return }
                    let push = try #require(ProtobufText.find(4, in: Array(bytes.drop { $0 & 0x80 != 0 }.dropFirst())))
                    let publication = try #require(ProtobufText.find(4, in: push))
                    let data = try #require(ProtobufText.find(4, in: publication))
                    let payload = try reader.take(data, isPatch: publication.suffix(2) == [0x40, 1])
                    #expect(payload == Array(Self.payload(number).utf8))
                }
                #expect(reader.kinds == "fpp")
                client.close()
            }
        }

        /// What is dropped would be missing from all that follows.
        @Test func whoIsTooSlowForThemIsEnded() throws {
            try EdgeRig.run({ options in
                Self.namespaces(&options)
                options.edge.limits.pendingBytesMax = 65_536
                var live = NamespaceOptions(name: "live", subscribe: .authenticated, slowConsumer: .dropOldest)
                live.delta = .fossil
                options.edge.namespaces = NamespaceTable([live])
            }) { rig in
                let client = try SocketClient.connected(rig, token: rig.token("ann"), receiveBytes: 4_096)
                _ = try client.ask(Self.subscribe("live:a"))
                var count = 0
                while rig.shared.metrics.slow.total == 0, count < 10_000 {
                    // Different enough that a patch is as long.
                    let filling = String(repeating: "\(UInt64.random(in: .min ... .max))", count: 1)
                    rig.publish("live:a", #""\#((0..<400).map { _ in filling + "\(UInt32.random(in: 0...9_999))" })""#)
                    count += 1
                    if count % 16 == 0 { usleep(1_000) }
                }
                #expect(rig.shared.metrics.slow.total == 1 && rig.shared.metrics.dropped.total == 0)
                client.close()
            }
        }
    }
}
