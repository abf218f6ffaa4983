// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletBus
import MartletCore
import MartletHub
import MartletInstruments
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct MemoryBusTests {
    private func publication(_ text: String, _ channel: String = "a") -> Publication {
        Publication(channel: channel, data: Array(text.utf8))
    }

    @Test func deliversToWhomItConcerns() {
        let (registry, sink) = (MetricsRegistry(), RecordingSink())
        let bus = MemoryBus(metrics: registry)
        bus.attach(sink)
        bus.publish(self.publication("0")) { #expect($0 == nil) }
        bus.subscribe("a", shard: 1)
        bus.subscribe("a", shard: 2)
        bus.publish(self.publication("1")) { #expect($0 == nil) }
        bus.unsubscribe("a", shard: 1)
        bus.unsubscribe("unknown", shard: 1)
        bus.publish(self.publication("2")) { #expect($0 == nil) }
        bus.unsubscribe("a", shard: 2)
        bus.publish(self.publication("3")) { #expect($0 == nil) }
        bus.broadcast([7]) { #expect($0 == nil) }
        #expect(sink.texts("a") == ["1", "2"])
        #expect(sink.deliveries.map(\.shards) == [[1, 2], [2]])
        #expect(
            sink.answers == [
                .init(channel: "a", shards: [1], error: nil), .init(channel: "a", shards: [2], error: nil),
            ])
        #expect(sink.controls == [[7]])
        #expect(bus.health == .healthy)
        let exposition = registry.exposition()
        #expect(exposition.contains("martlet_bus_published_total 4\n"))
        #expect(exposition.contains("martlet_bus_dropped_total{reason=\"no_interest\"} 2\n"))
    }

    /// Stands for a hub: each shard has its own list, and all must show one order.
    private final class Shards: BusSink {
        let shards = (0..<4).map { _ in List() }
        final class List: Sendable { let texts = Mutex<[String]>([]) }

        func deliver(_ publication: Publication, to shards: ShardSet) {
            let text = String(decoding: publication.data, as: UTF8.self)
            for shard in shards { self.shards[shard].texts.withLock { $0.append(text) } }
        }

        func subscribed(_ channel: String, shards: ShardSet, error: BusError?) {
            for shard in shards { self.shards[shard].texts.withLock { $0.append("subscribed") } }
        }

        func gap(_ channels: [String]?) {}
        func controlReceived(_ message: [UInt8]) {}
    }

    @Test func showsAllShardsOneOrder() async {
        let sink = Shards()
        let bus = MemoryBus(metrics: MetricsRegistry())
        bus.attach(sink)
        let completed = Counter()
        await withTaskGroup(of: Void.self) { group in
            for publisher in 0..<6 {
                group.addTask {
                    for index in 0..<2_000 {
                        if publisher < 4, index == 50 * publisher { bus.subscribe("a", shard: publisher) }
                        bus.publish(self.publication("\(publisher).\(index)")) { _ in
                            completed.add()
                        }
                    }
                }
            }
        }
        #expect(completed.total == 12_000)
        let lists = sink.shards.map { $0.texts.withLock { $0 } }
        for list in lists { #expect(list.first == "subscribed") }
        // A shard that came later shows the end of what an earlier one shows.
        let longest = lists.map { $0.dropFirst() }.max { $0.count < $1.count } ?? []
        for list in lists {
            let isEnd = Array(list.dropFirst()) == Array(longest.suffix(list.count - 1))
            #expect(isEnd)
        }
        for publisher in 0..<6 {
            let own = longest.filter { $0.hasPrefix("\(publisher).") }.compactMap { Int($0.dropFirst(2)) }
            let isInOrder = own == own.sorted()
            #expect(isInOrder)
        }
    }

    /// Publishes again from within, as a hub that answers a control message may.
    private final class Echo: BusSink {
        let bus: MemoryBus
        let texts = Mutex<[String]>([])
        init(bus: MemoryBus) { self.bus = bus }

        func deliver(_ publication: Publication, to shards: ShardSet) {
            let count = self.texts.withLock { texts in
                texts.append(String(decoding: publication.data, as: UTF8.self))
                return texts.count
            }
            if count < 5 {
                self.bus.publish(Publication(channel: "a", data: Array("\(count)".utf8))) { _ in }
            }
        }

        func subscribed(_ channel: String, shards: ShardSet, error: BusError?) {}
        func gap(_ channels: [String]?) {}
        func controlReceived(_ message: [UInt8]) {}
    }

    @Test func mayBeUsedFromWithin() {
        let bus = MemoryBus(metrics: MetricsRegistry())
        let sink = Echo(bus: bus)
        bus.attach(sink)
        bus.subscribe("a", shard: 0)
        bus.publish(self.publication("0")) { _ in }
        #expect(sink.texts.withLock { $0 } == ["0", "1", "2", "3", "4"])
    }
}
