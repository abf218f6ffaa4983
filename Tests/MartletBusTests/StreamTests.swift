// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletBus
import MartletCore
import MartletHub
import TestSupport
import Testing

/// What holds for the streams of both buses.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct StreamTests {
    private let history = HistoryOptions(size: 5, ttl: .seconds(60))

    private func query(
        since: StreamPosition? = nil, limit: Int? = nil, isReverse: Bool = false
    ) -> HistoryQuery {
        HistoryQuery(since: since, limit: limit, isReverse: isReverse, history: self.history)
    }

    @Test(arguments: BusKind.allCases)
    func numbersWhatItKeeps(_ kind: BusKind) async throws {
        try await kind.withBus { (bus, sink) async throws in
            let empty = try await bus.history("a", self.query())
            #expect(empty.top.offset == 0 && !empty.top.epoch.isEmpty && empty.publications.isEmpty)
            bus.subscribe("a", shard: 0)
            #expect(await eventually { sink.answers.count == 1 })
            for number in 1...7 {
                let position = await bus.publish("\(number)", "a", history: self.history)
                #expect(position == StreamPosition(offset: UInt64(number), epoch: empty.top.epoch))
            }
            #expect(await eventually { sink.deliveries.count == 7 })
            #expect(sink.texts("a") == (1...7).map(String.init))
            #expect(sink.deliveries.map(\.publication.offset) == (1...7).map { UInt64($0) })
            #expect(sink.deliveries.allSatisfy { $0.publication.epoch == empty.top.epoch })
            let page = try await bus.history("a", self.query())
            #expect(page.top == StreamPosition(offset: 7, epoch: empty.top.epoch))
            #expect(page.texts == ["3", "4", "5", "6", "7"])
            #expect(page.offsets == [3, 4, 5, 6, 7])
            #expect(page.publications == sink.deliveries.suffix(5).map(\.publication))
            // Another channel has a stream of its own, and what is not kept has no position.
            let other = await bus.publish("1", "b", history: self.history)
            #expect(other?.offset == 1 && other?.epoch != empty.top.epoch)
            #expect(await bus.publish("8", "a", PublishOptions()) == .success(nil))
            #expect(await eventually { sink.deliveries.count == 8 })
            #expect(sink.deliveries.last?.publication.offset == nil)
            #expect(try await bus.history("a", self.query(limit: 0)) == HistoryPage(top: page.top))
        }
    }

    @Test(arguments: BusKind.allCases)
    func answersEveryQuestion(_ kind: BusKind) async throws {
        try await kind.withBus { (bus, _) async throws in
            for number in 1...8 { _ = await bus.publish("\(number)", "a", history: self.history) }
            let epoch = try await bus.history("a", self.query(limit: 0)).top.epoch
            func texts(
                since offset: UInt64? = nil, epoch: String = epoch, limit: Int? = nil, isReverse: Bool = false
            ) async throws -> [String] {
                let since = offset.map { StreamPosition(offset: $0, epoch: epoch) }
                let page = try await bus.history("a", self.query(since: since, limit: limit, isReverse: isReverse))
                #expect(page.top.offset == 8)
                return page.texts
            }
            #expect(try await texts(limit: 2) == ["4", "5"])
            #expect(try await texts(limit: 2, isReverse: true) == ["8", "7"])
            #expect(try await texts(limit: 100) == ["4", "5", "6", "7", "8"])
            #expect(try await texts(limit: -1).isEmpty)
            #expect(try await texts(since: 6) == ["7", "8"])
            #expect(try await texts(since: 6, limit: 1) == ["7"])
            #expect(try await texts(since: 6, epoch: "") == ["7", "8"])
            #expect(try await texts(since: 6, epoch: "_").isEmpty)
            #expect(try await texts(since: 1) == ["4", "5", "6", "7", "8"])
            #expect(try await texts(since: 0) == ["4", "5", "6", "7", "8"])
            #expect(try await texts(since: 8).isEmpty)
            #expect(try await texts(since: .max).isEmpty)
            #expect(try await texts(since: 6, isReverse: true) == ["5", "4"])
            #expect(try await texts(since: 6, limit: 1, isReverse: true) == ["5"])
            #expect(try await texts(since: 4, isReverse: true).isEmpty)
            #expect(try await texts(since: 0, isReverse: true).isEmpty)
            #expect(try await texts(since: .max, limit: 2, isReverse: true) == ["8", "7"])
        }
    }

    @Test(arguments: BusKind.allCases)
    func forgetsPublicationsAndKeepsPositions(_ kind: BusKind) async throws {
        try await kind.withBus { (bus, _) async throws in
            let short = HistoryOptions(size: 5, ttl: .milliseconds(100))
            let position = await bus.publish("1", "a", history: short)
            #expect(
                try await eventually {
                    try await bus.history("a", self.query()).publications.isEmpty
                })
            #expect(try await bus.history("a", self.query()).top == position)
            #expect(await bus.publish("2", "a", history: self.history)?.offset == 2)
            #expect(await bus.removeHistory("a") == nil)
            #expect(await bus.removeHistory("unknown") == nil)
            let page = try await bus.history("a", self.query())
            #expect(page.publications.isEmpty && page.top.offset == 2 && page.top.epoch == position?.epoch)
            #expect(await bus.publish("3", "a", history: self.history)?.offset == 3)
            #expect(try await bus.history("a", self.query()).texts == ["3"])
        }
    }

    @Test(arguments: BusKind.allCases)
    func renewsAStreamOnce(_ kind: BusKind) async throws {
        try await kind.withBus { (bus, _) async throws in
            guard let old = await bus.publish("1", "a", history: self.history) else {
                throw TestSupportError("not published")
            }
            #expect(await bus.renewStream("a", from: "another") == nil)
            #expect(try await bus.history("a", self.query()).top == old)
            #expect(await bus.renewStream("a", from: old.epoch) == nil)
            let page = try await bus.history("a", self.query())
            #expect(page.publications.isEmpty && page.top.offset == 0 && page.top.epoch != old.epoch)
            #expect(await bus.renewStream("a", from: old.epoch) == nil)
            #expect(try await bus.history("a", self.query()).top == page.top)
            #expect(await bus.publish("2", "a", history: self.history)?.offset == 1)
            #expect(try await bus.history("a", self.query(since: old)).publications.isEmpty)
        }
    }

    @Test(arguments: BusKind.allCases)
    func publishesOnceUnderOneKey(_ kind: BusKind) async throws {
        try await kind.withBus { (bus, sink) async throws in
            for channel in ["a", "b"] { bus.subscribe(channel, shard: 0) }
            #expect(await eventually { sink.answers.count == 2 })
            var options = PublishOptions(history: self.history)
            options.idempotencyKey = "key"
            let first = await bus.publish("1", "a", options)
            guard case .success(let position?) = first else { throw TestSupportError("not published") }
            #expect(await bus.publish("2", "a", options) == first)
            #expect(await bus.publish("3", "b", options) != first)
            options.idempotencyKey = "another"
            #expect(
                await bus.publish("4", "a", options) == .success(StreamPosition(offset: 2, epoch: position.epoch)))
            options.history = nil
            options.idempotencyKey = "third"
            #expect(await bus.publish("5", "a", options) == .success(nil))
            #expect(await bus.publish("6", "a", options) == .success(nil))
            #expect(await eventually { sink.deliveries.count == 4 })
            #expect(sink.deliveries.map(\.text) == ["1", "3", "4", "5"])
            #expect(try await bus.history("a", self.query()).texts == ["1", "4"])
        }
    }

    @Test(arguments: BusKind.allCases)
    func letsNoEarlierVersionFollow(_ kind: BusKind) async throws {
        try await kind.withBus { (bus, sink) async throws in
            bus.subscribe("a", shard: 0)
            #expect(await eventually { sink.answers.count == 1 })
            func publish(_ version: UInt64, _ epoch: String = "") async throws -> UInt64? {
                var options = PublishOptions(history: self.history)
                options.version = version
                options.versionEpoch = epoch
                return try await bus.publish("\(version)\(epoch)", "a", options).get()?.offset
            }
            #expect(try await publish(9) == 1)
            #expect(try await publish(10) == 2)
            #expect(try await publish(9) == 2)
            #expect(try await publish(10) == 2)
            #expect(try await publish(0) == 3)
            #expect(try await publish(.max) == 4)
            #expect(try await publish(.max - 1) == 4)
            #expect(try await publish(1, "x") == 5)
            #expect(await eventually { sink.deliveries.count == 5 })
            #expect(sink.texts("a") == ["9", "10", "0", "\(UInt64.max)", "1x"])
        }
    }

    @Test(arguments: BusKind.allCases)
    func keepsNoJoins(_ kind: BusKind) async throws {
        try await kind.withBus { (bus, sink) async throws in
            bus.subscribe("a", shard: 0)
            #expect(await eventually { sink.answers.count == 1 })
            var join = Publication(channel: "a", data: [], info: Array(#"{"user":"u","client":"c"}"#.utf8), time: 2)
            join.kind = .join
            var leave = join
            leave.kind = .leave
            var tagged = Publication(channel: "a", data: Array("1".utf8), info: [], time: 1_700_000_000.5)
            tagged.tags = Array(#"{"k":"v"}"#.utf8)
            for publication in [join, tagged, leave] {
                bus.publish(publication, PublishOptions(history: self.history)) { _ in }
            }
            #expect(await eventually { sink.deliveries.count == 3 })
            let page = try await bus.history("a", self.query())
            tagged.offset = 1
            tagged.epoch = page.top.epoch
            #expect(sink.deliveries.map(\.publication) == [join, tagged, leave])
            #expect(page.publications == [tagged])
        }
    }

    @Test(arguments: BusKind.allCases)
    func knowsWhoIsThere(_ kind: BusKind) async throws {
        try await kind.withBus { (bus, _) async throws in
            func info(_ user: String, _ client: String) -> [UInt8] {
                Array(#"{"user":"\#(user)","client":"\#(client)"}"#.utf8)
            }
            #expect(try await bus.presence("a").isEmpty)
            #expect(try await bus.presenceStats("a") == PresenceStats(clients: 0, users: 0))
            for (user, client) in [("u", "1"), ("u", "2"), ("v", "3")] {
                bus.enter("a", client: client, info: info(user, client))
            }
            bus.enter("b", client: "1", info: info("u", "1"))
            bus.leave("b", client: "unknown")
            #expect(
                try await eventually {
                    try await bus.presenceStats("a") == PresenceStats(clients: 3, users: 2)
                })
            #expect(try await bus.presence("a").sorted { $0.client < $1.client }.map(\.client) == ["1", "2", "3"])
            #expect(try await bus.presence("b") == [PresenceEntry(client: "1", info: info("u", "1"))])
            bus.leave("a", client: "3")
            bus.enter("a", client: "2", info: info("w", "2"))
            bus.leave("b", client: "1")
            #expect(
                try await eventually {
                    try await bus.presence("a").sorted { $0.client < $1.client }
                        == [
                            PresenceEntry(client: "1", info: info("u", "1")),
                            PresenceEntry(client: "2", info: info("w", "2")),
                        ]
                })
            #expect(try await bus.presenceStats("a") == PresenceStats(clients: 2, users: 2))
            #expect(try await eventually { try await bus.presence("b").isEmpty })
        }
    }

    @Test(arguments: BusKind.allCases)
    func sendsToOneNode(_ kind: BusKind) async throws {
        try await kind.withBus { (bus, sink) async throws in
            #expect(await bus.send("1", to: "node-1") == .success(true))
            #expect(await bus.send("2", to: "node-2") == .success(false))
            #expect(await eventually { sink.controls == [Array("1".utf8)] })
        }
    }
}
