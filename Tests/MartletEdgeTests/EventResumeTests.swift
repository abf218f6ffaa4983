// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletProtocol
import Testing

@testable import MartletEdge

extension LoopbackTests {
    /// `log` and `short` keep history, `room` does not.
    @Suite("Event streams that resume")
    struct EventResumeTests {
        private static func keeping(_ options: inout EdgeRig.Options) {
            var log = NamespaceOptions(name: "log", subscribe: .anonymous)
            log.historySize = 100
            var short = NamespaceOptions(name: "short", subscribe: .anonymous)
            short.historySize = 3
            options.edge.allowsAnonymous = true
            options.edge.namespaces = NamespaceTable([
                log, short, NamespaceOptions(name: "room", subscribe: .anonymous),
            ])
        }

        /// A reader that knows what a browser's `EventSource` would: the events, and the last id.
        private final class Reader {
            let client: EventClient
            private(set) var last: String?

            init(_ rig: EdgeRig, _ channels: [String], last: String? = nil, inQuery: Bool = false) throws {
                var query = channels.map { "channel=\($0)" }
                var fields: [String] = []
                if let last, inQuery { query.append("lastEventId=\(last)") }
                if let last, !inQuery { fields.append("Last-Event-ID: \(last)") }
                self.client = try EventClient(rig, query.joined(separator: "&"), fields: fields)
                self.last = last
                #expect(self.client.answer.status == 200)
            }

            /// The data of the next event, with its type where it has one.
            func next() throws -> String {
                while true {
                    let lines = try #require(try self.client.event())
                    if let id = lines.first(where: { $0.hasPrefix("id: ") }) { self.last = String(id.dropFirst(4)) }
                    let name = lines.first { $0.hasPrefix("event: ") }.map { $0.dropFirst(7) + " " } ?? ""
                    if let data = lines.first(where: { $0.hasPrefix("data: ") }) { return name + data.dropFirst(6) }
                }
            }

            /// Reads up to where nothing is missed any more, and only ids may come.
            func begin() throws {
                while let line = try self.client.line(), line != ":subscribed" {
                    #expect(!line.hasPrefix("data:"))
                    if line.hasPrefix("id: ") { self.last = String(line.dropFirst(4)) }
                }
            }

            func cut() { self.client.close() }
        }

        private static func gap(_ channel: String) -> String { #"gap {"channel":"\#(channel)"}"# }

        private static func number(_ event: String) -> (channel: String, number: Int)? {
            let fields = event.split(whereSeparator: { #"{}":,"#.contains($0) })
            guard let data = fields.firstIndex(of: "data"), fields.count > data + 1, fields.count > 1 else {
                return nil
            }
            let channel = fields[1..<data].joined(separator: ":")
            return Int(fields[data + 1]).map { (channel, $0) }
        }

        @Test(arguments: [1, 5], [false, true]) func nothingIsMissingAndNothingTwice(count: Int, isMixed: Bool) throws {
            try EdgeRig.run({
                Self.keeping(&$0)
                $0.shards = 2
            }) { rig in
                let kept = (0..<count).map { "log:\($0)" }
                let channels = isMixed ? ["room:a"] + kept : kept
                var seen: [String: [Int]] = [:]
                var (sent, last, isFirst) = (0, String?.none, true)
                let publish = { (count: Int) in
                    for _ in 0..<count {
                        rig.keep(kept[sent % kept.count], "\(sent)")
                        sent += 1
                    }
                }
                for round in 0..<6 {
                    let reader = try Reader(rig, channels, last: last, inQuery: round.isMultiple(of: 2))
                    // The first id comes before the first event.
                    if isFirst { try reader.begin() }
                    isFirst = false
                    if round != 5 { publish(11) }
                    // Cut in the middle of what was missed, of what is live, or before anything.
                    let wanted = round == 5 ? sent - seen.values.reduce(0) { $0 + $1.count } : [3, 17, 0, 9, 1][round]
                    for _ in 0..<wanted {
                        let event = try reader.next()
                        let found = try #require(Self.number(event), "\(event)")
                        seen[found.channel, default: []].append(found.number)
                    }
                    last = reader.last
                    reader.cut()
                    if round < 4 { publish(7) }
                }
                for (index, channel) in kept.enumerated() {
                    #expect(seen[channel] == Array(stride(from: index, to: sent, by: kept.count)), "\(channel)")
                }
            }
        }

        @Test func whatCannotBeRecoveredIsAGap() throws {
            try EdgeRig.run(Self.keeping) { rig in
                let channels = ["log:a", "short:a", "room:a"]
                let first = try Reader(rig, channels)
                try first.begin()
                rig.keep("log:a", "1")
                #expect(try first.next().contains(#""data":1"#))
                first.cut()
                for number in 2...5 { rig.keep("short:a", "\(number)") }
                rig.keep("log:a", "6")
                let second = try Reader(rig, channels, last: first.last)
                let events = [try second.next(), try second.next()]
                #expect(events.contains(Self.gap("short:a")))
                #expect(events.contains { $0.contains(#""channel":"log:a","data":6"#) })
                try second.begin()
                second.cut()
                // The id behind the gap stands for what came after it.
                rig.keep("short:a", "7")
                let third = try Reader(rig, channels, last: second.last)
                #expect(try third.next().contains(#""channel":"short:a","data":7"#))
            }
        }

        @Test func idsThatAreNoneOfTheseChannels() throws {
            try EdgeRig.run(Self.keeping) { rig in
                rig.keep("log:a", "1")
                rig.keep("log:b", "1")
                let other = try Reader(rig, ["log:b", "log:a"])
                try other.begin()
                let wrongEpoch = EventID.encode(
                    [StreamPosition(offset: 1, epoch: "wrong"), nil, StreamPosition(offset: 9, epoch: "")],
                    of: ["log:a", "room:a", "log:b"])
                let far = String(repeating: "A", count: 2_000)
                let ids = ["0", "%", other.last, wrongEpoch, far]
                for id in ids {
                    let reader = try Reader(rig, ["log:a", "room:a", "log:b"], last: id)
                    #expect(Set([try reader.next(), try reader.next()]) == [Self.gap("log:a"), Self.gap("log:b")])
                    try reader.begin()
                    rig.keep("log:a", "2")
                    #expect(try reader.next().contains(#""data":2"#))
                    reader.cut()
                }
                other.cut()
            }
        }

        @Test func channelsWithoutHistoryHaveNoIDs() throws {
            try EdgeRig.run(Self.keeping) { rig in
                for channels in [["room:a"], ["room:a", "room:b"]] {
                    let reader = try Reader(rig, channels)
                    try reader.begin()
                    rig.publish("room:a", "1")
                    #expect(try reader.client.event() == [#"data: {"channel":"room:a","data":1}"#])
                    #expect(reader.last == nil)
                    // An id is no reason to say that something may be missing where nothing is kept.
                    let back = try Reader(rig, channels, last: "anything")
                    try back.begin()
                    reader.cut()
                    back.cut()
                }
                // Beside others they have none either, and so the id stays what it was.
                let reader = try Reader(rig, ["room:a", "log:a"])
                try reader.begin()
                let first = try #require(reader.last)
                #expect(EventID.decode(first, of: ["room:a", "log:a"])?.first == .some(nil))
                rig.publish("room:a", "1")
                #expect(try reader.client.event() == [#"data: {"channel":"room:a","data":1}"#])
                rig.keep("log:a", "2")
                let lines = try #require(try reader.client.event())
                #expect(lines.count == 2 && lines[1].hasPrefix("id: ") && lines[1] != "id: \(first)")
                reader.cut()
            }
        }

        @Test func theShapeOfAnEvent() throws {
            try EdgeRig.run(Self.keeping) { rig in
                let client = try EventClient(rig, "channel=log:a&channel=log:a", version: "1.0")
                let retry = try #require(try client.line())
                #expect(retry.hasPrefix("retry: ") && (1_500...4_500).contains(Int(retry.dropFirst(7)) ?? 0))
                #expect(try client.line() == "")
                let first = try #require(try client.line())
                #expect(first.hasPrefix("id: ") && EventID.decode(String(first.dropFirst(4)), of: ["log:a"]) != nil)
                #expect(try client.line() == "")
                #expect(try client.line() == ":subscribed")
                rig.keep("log:a", "1")
                let lines = try #require(try client.event())
                #expect(lines.count == 2 && lines[0].hasPrefix("id: "))
                #expect(lines[1].hasPrefix(#"data: {"channel":"log:a","data":1,"offset":1,"epoch":""#))
                client.close()
            }
        }

        @Test func lossesOnTheWayAreGapsAndTheStreamGoesOn() throws {
            let bus = ScriptedBus()
            try EdgeRig.run({
                $0.bus = bus
                Self.keeping(&$0)
            }) { rig in
                let client = try EventClient(rig, "channel=room:a&channel=room:b")
                #expect(EdgeRig.eventually { bus.channels.count == 2 })
                bus.acknowledge("room:a")
                bus.acknowledge("room:b")
                try client.skip(to: ":subscribed")
                rig.hub.gap(["room:b"])
                #expect(try client.event() == ["event: gap", #"data: {"channel":"room:b"}"#])
                bus.deliver("room:b", "1")
                #expect(try client.event() == [#"data: {"channel":"room:b","data":1}"#])
                client.close()
            }
        }
    }
}

extension EdgeRig {
    /// Publishes what its channel keeps.
    func keep(_ channel: String, _ data: String) {
        let publication = Publication(channel: channel, data: Array(data.utf8), time: Clock.wall)
        let options = PublishOptions(history: self.shared.configuration.namespaces.options(of: channel)?.history)
        self.bus.publish(publication, options) { _ in }
    }
}
