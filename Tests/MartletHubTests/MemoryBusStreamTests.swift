// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletBus
import MartletCore
import MartletInstruments
import MartletReactor
import Synchronization
import Testing

@testable import MartletHub

/// A shard's streams over a real bus, with publishers on other threads.
@Suite("A shard's streams over the memory bus", .timeLimit(.minutes(1)))
struct MemoryBusStreamTests {
    private static let history = HistoryOptions(size: 2 * Self.perPublisher, ttl: .seconds(60))
    private static let perPublisher = 3_000

    /// The mailbox of the second is so small that much of what is published finds no room in it.
    @Test(arguments: [65_536, 8]) func eachPublicationIsGivenOnce(mailboxMax: Int) async throws {
        let bus = MemoryBus(metrics: MetricsRegistry())
        var settings = ReactorConfiguration()
        settings.slotCapacity = 64
        let reactor = try Reactor(configuration: settings, shared: ReactorShared())
        let mailbox = Mailbox<ShardMessage>(dataMax: mailboxMax) { reactor.wake() }
        let metrics = HubMetrics(MetricsRegistry())
        let hub = Hub(mailboxes: [mailbox], metrics: metrics) { _ in }
        bus.attach(hub)
        let shard = Shard(
            index: 0, reactor: reactor, mailbox: mailbox, bus: bus, limits: Limits(), metrics: metrics)
        let edge = ShardRig.RecordingEdge()
        shard.edge = edge
        let publishers = (0..<2).map { _ in
            Task.detached {
                for number in 0..<Self.perPublisher {
                    bus.publish(Publication(channel: "a", data: Array("\(number)".utf8)), Self.options) { _ in }
                    if number % 16 == 0 { await Task.yield() }
                }
            }
        }
        var since: StreamPosition?
        var rounds = 0
        while since?.offset != UInt64(2 * Self.perPublisher), !Task.isCancelled {
            rounds += 1
            since = Self.stay(shard, edge, metrics, since: since)
        }
        for publisher in publishers { await publisher.value }
        since = Self.stay(shard, edge, metrics, since: since)
        #expect(rounds > 0 && metrics.recovered.total > 0 && metrics.positionsLost.total == 0)
        withExtendedLifetime(hub) {}
    }

    private static var options: PublishOptions { PublishOptions(history: Self.history) }

    /// Subscribes from there, stays for a while, and goes; where it was then.
    private static func stay(
        _ shard: Shard, _ edge: ShardRig.RecordingEdge, _ metrics: HubMetrics, since: StreamPosition?
    ) -> StreamPosition? {
        shard.register(0, identity: Identity(user: "ann"), format: .jsonRPC)
        defer { shard.unregister(0) }
        let before = metrics.deliveries.total
        let options = SubscribeOptions(
            ticket: 1, flags: [.positioned], history: Self.history, since: since, recovery: .stream)
        var start: SubscriptionStart?
        if case .subscribed(let now) = shard.subscribe(0, to: "a", options) { start = now }
        while start == nil {
            shard.processMailbox()
            start = edge.starts.popLast()
        }
        for _ in 0..<Int.random(in: 1...40) { shard.processMailbox() }
        #expect(edge.take().allSatisfy { $0.contains("subscribed") })
        guard let start, let begun = start.position, let position = shard.position(of: "a") else {
            Issue.record("it has no position")
            return nil
        }
        if since != nil, start.recovered { #expect(begun == since) }
        let given = UInt64(start.publications.count + metrics.deliveries.total - before)
        #expect(begun.offset + given == position.offset)
        return position
    }
}
