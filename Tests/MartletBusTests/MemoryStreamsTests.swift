// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletBus
import MartletCore
import MartletHub
import MartletInstruments
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct MemoryStreamsTests {
    private let history = HistoryOptions(size: 1000, ttl: .seconds(60))

    @Test func boundsHowManyItKeeps() async throws {
        var limits = Limits()
        limits.historyStreamsMax = 10
        let registry = MetricsRegistry()
        let bus = MemoryBus(limits: limits, metrics: registry)
        var epochs: [String: String] = [:]
        for channel in 0..<10 {
            epochs["\(channel)"] = await bus.publish("1", "\(channel)", history: self.history)?.epoch
        }
        // The oldest is used again, so that the second oldest goes.
        #expect(try await bus.history("0", HistoryQuery(limit: 0, history: self.history)).top.epoch == epochs["0"])
        _ = await bus.publish("1", "new", history: self.history)
        #expect(try await bus.history("0", HistoryQuery(history: self.history)).top.epoch == epochs["0"])
        let page = try await bus.history("1", HistoryQuery(history: self.history))
        #expect(page.top.offset == 0 && page.top.epoch != epochs["1"] && page.publications.isEmpty)
        #expect(registry.exposition().contains("martlet_bus_streams 10\n"))
        #expect(registry.exposition().contains("martlet_bus_stream_evictions_total 2\n"))
    }

    @Test func boundsWhatTheyTake() async throws {
        var limits = Limits()
        limits.historyBytesMax = 100_000
        let registry = MetricsRegistry()
        let bus = MemoryBus(limits: limits, metrics: registry)
        let text = String(repeating: "x", count: 10_000)
        for channel in 0..<20 { _ = await bus.publish(text, "\(channel)", history: self.history) }
        #expect(try await bus.history("19", HistoryQuery(history: self.history)).publications.count == 1)
        #expect(registry.exposition().contains("martlet_bus_stream_evictions_total 11\n"))
        // One alone keeps its latest.
        for _ in 0..<20 { _ = await bus.publish(text, "one", history: self.history) }
        let page = try await bus.history("one", HistoryQuery(history: self.history))
        #expect(page.offsets == (12...20).map { UInt64($0) })
        #expect(page.top.offset == 20)
        _ = await bus.publish(String(repeating: "x", count: 200_000), "one", history: self.history)
        #expect(try await bus.history("one", HistoryQuery(history: self.history)).offsets == [21])
    }

    @Test func boundsIdempotencyKeys() async throws {
        var limits = Limits()
        limits.idempotencyKeysMax = 2
        let bus = MemoryBus(limits: limits, metrics: MetricsRegistry())
        func publish(_ key: String) async throws -> UInt64? {
            var options = PublishOptions(history: self.history)
            options.idempotencyKey = key
            return try await bus.publish("1", "a", options).get()?.offset
        }
        #expect(try await publish("1") == 1)
        #expect(try await publish("2") == 2)
        #expect(try await publish("1") == 1)
        #expect(try await publish("3") == 3)
        #expect(try await publish("1") == 4)
        #expect(try await publish("3") == 3)
    }

    private final class Positions: Sendable {
        let offsets = Mutex<[UInt64]>([])
    }

    /// Whatever threads publish at once: what is delivered is the stream.
    @Test func deliversInTheOrderOfTheStream() async throws {
        let sink = RecordingSink()
        let bus = MemoryBus(metrics: MetricsRegistry())
        bus.attach(sink)
        bus.subscribe("a", shard: 0)
        let positions = Positions()
        await withTaskGroup(of: Void.self) { group in
            for publisher in 0..<4 {
                group.addTask {
                    for index in 0..<1_000 {
                        let publication = Publication(channel: "a", data: Array("\(publisher).\(index)".utf8))
                        bus.publish(publication, PublishOptions(history: self.history)) { result in
                            guard case .success(let position?) = result else { return }
                            positions.offsets.withLock { $0.append(position.offset) }
                        }
                    }
                }
            }
        }
        #expect(sink.deliveries.count == 4_000)
        let isInOrder = sink.deliveries.map(\.publication.offset) == (1...4_000).map { UInt64($0) }
        #expect(isInOrder)
        let isComplete = positions.offsets.withLock { $0 } == Array(1...4_000)
        #expect(isComplete)
        let page = try await bus.history("a", HistoryQuery(history: self.history))
        #expect(page.publications == sink.deliveries.suffix(1_000).map(\.publication))
    }
}
