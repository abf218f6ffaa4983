// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletInstruments
import Testing

@testable import MartletHub

/// A shard that follows streams, against a bus whose answers the test gives.
@Suite("A shard's streams")
struct StreamTests {
    private static let history = HistoryOptions(size: 100, ttl: .seconds(60))

    private static func publication(_ offset: UInt64, _ channel: String = "a", epoch: String = "x") -> Publication {
        var publication = Publication(channel: channel, data: Array("\(offset)".utf8), offset: offset)
        publication.epoch = epoch
        return publication
    }

    private static func page(_ offsets: ClosedRange<UInt64>?, top: UInt64, epoch: String = "x") -> HistoryPage {
        HistoryPage(
            publications: offsets?.map { Self.publication($0, epoch: epoch) } ?? [],
            top: StreamPosition(offset: top, epoch: epoch))
    }

    private static func options(
        _ ticket: UInt32, since: UInt64? = nil, _ flags: SubscriptionFlags = [.positioned, .recoverable]
    ) -> SubscribeOptions {
        SubscribeOptions(
            ticket: ticket, flags: flags, history: Self.history,
            since: since.map { StreamPosition(offset: $0, epoch: "x") }, recovery: .stream)
    }

    private static func rig(_ limits: StreamLimits = StreamLimits(), registered: Range<Int32> = 0..<8) throws
        -> ShardRig
    {
        let rig = try ShardRig(streamLimits: limits)
        rig.register(registered)
        rig.shard.ticked(now: 1)
        return rig
    }

    /// Slot 0 follows channel "a" from this offset.
    private static func following(
        _ offset: UInt64, _ limits: StreamLimits = StreamLimits(),
        _ flags: SubscriptionFlags = [.positioned, .recoverable]
    ) throws -> ShardRig {
        let rig = try Self.rig(limits)
        _ = rig.shard.subscribe(0, to: "a", Self.options(0, flags))
        rig.acknowledge("a")
        rig.answer(Self.page(nil, top: offset))
        #expect(rig.edge.take() == ["0 a #0 subscribed at \(offset)x"])
        _ = rig.bus.take()
        return rig
    }

    @Test func theFirstSubscriberHasTheTopRead() throws {
        let rig = try Self.rig()
        #expect(rig.shard.subscribe(0, to: "a", Self.options(7)) == .pending)
        #expect(rig.bus.takeReads().isEmpty)
        rig.acknowledge("a")
        #expect(rig.edge.take().isEmpty && rig.shard.isWaiting(0))
        // What comes meanwhile is held, and delivered as far as the top did not have it.
        rig.publish(Self.publication(5), Self.publication(6))
        #expect(rig.metrics.deliveries.total == 0)
        #expect(rig.answer(Self.page(nil, top: 5)) == ["a top"])
        #expect(rig.edge.take() == ["0 a #7 subscribed at 5x"])
        #expect(rig.metrics.deliveries.total == 1)
        #expect(rig.shard.position(of: "a") == StreamPosition(offset: 6, epoch: "x"))
        // The second needs no read.
        let start = SubscriptionStart(position: StreamPosition(offset: 6, epoch: "x"))
        #expect(rig.shard.subscribe(1, to: "a", Self.options(8)) == .subscribed(start))
        #expect(rig.bus.takeReads().isEmpty)
        rig.publish(Self.publication(7))
        #expect(rig.metrics.deliveries.total == 3)
    }

    @Test func whoComesBackIsGivenWhatItMissed() throws {
        let rig = try Self.rig()
        _ = rig.shard.subscribe(0, to: "a", Self.options(1, since: 3))
        _ = rig.shard.subscribe(1, to: "a", Self.options(2, since: 5))
        _ = rig.shard.subscribe(2, to: "a", Self.options(3))
        rig.acknowledge("a")
        #expect(rig.answer(Self.page(4...6, top: 6)) == ["a since 3x limit 300"])
        #expect(
            rig.edge.take() == [
                "0 a #1 subscribed at 3x recovered +4,5,6", "1 a #2 subscribed at 5x recovered +6",
                "2 a #3 subscribed at 6x",
            ])
        // From what was read, and what came since.
        rig.publish(Self.publication(7))
        guard case .subscribed(let start) = rig.shard.subscribe(3, to: "a", Self.options(4, since: 4)) else {
            Issue.record("it waits")
            return
        }
        #expect(start.recovered && start.publications.map(\.offset) == [5, 6, 7])
        #expect(start.position == StreamPosition(offset: 4, epoch: "x"))
        #expect(rig.bus.takeReads().isEmpty && rig.metrics.recovered.total == 3)
        // Later it is read anew.
        rig.shard.ticked(now: 6_000_000_000)
        #expect(rig.shard.subscribe(4, to: "a", Self.options(5, since: 4)) == .pending)
        rig.publish(Self.publication(8))
        #expect(rig.answer(Self.page(5...7, top: 7)) == ["a since 4x limit 300"])
        #expect(rig.edge.take() == ["4 a #5 subscribed at 4x recovered +5,6,7,8"])
    }

    @Test func aThousandWhoComeBackCostOneRead() throws {
        let rig = try Self.following(10)
        rig.register(1..<1_001)
        for slot in Int32(1)...1_000 {
            #expect(rig.shard.subscribe(slot, to: "a", Self.options(1, since: 5)) == .pending)
        }
        #expect(rig.answer(Self.page(6...10, top: 10)) == ["a since 5x limit 300"])
        #expect(rig.edge.take().count == 1_000)
        #expect(rig.metrics.streamReads.total == 2 && rig.metrics.recovered.total == 1_000)
    }

    @Test func whatCannotBeRecoveredIsSaid() throws {
        let rig = try Self.following(1_000)
        func outcome(_ slot: Int32, _ since: UInt64, epoch: String = "x") -> String? {
            var options = Self.options(1)
            options.since = StreamPosition(offset: since, epoch: epoch)
            guard case .subscribed(let start) = rig.shard.subscribe(slot, to: "a", options) else { return nil }
            return "\(start.position?.offset ?? 0) \(start.wasRecovering) \(start.recovered)"
        }
        #expect(outcome(1, 1_000) == "1000 true true")
        #expect(outcome(2, 1_000, epoch: "") == "1000 true true")
        #expect(outcome(3, 1_000, epoch: "_") == "1000 true false")
        #expect(outcome(4, 699) == "1000 true false")
        // A hole, where publications were trimmed.
        #expect(outcome(5, 700) == nil)
        rig.answer(Self.page(900...1_000, top: 1_000))
        #expect(rig.edge.take() == ["5 a #1 subscribed at 1000x unrecovered"])
        // A place that nobody reached, unless the shard is behind.
        #expect(outcome(6, 1_003) == nil)
        rig.answer(Self.page(1_001...1_002, top: 1_002))
        #expect(rig.edge.take() == ["6 a #1 subscribed at 1002x unrecovered"])
        #expect(outcome(7, 1_003) == nil)
        rig.answer(Self.page(1_003...1_004, top: 1_004))
        #expect(rig.edge.take() == ["7 a #1 subscribed at 1003x recovered +1004"])
        #expect(rig.metrics.unrecovered.total == 4)
        // What the reads ran ahead of comes still, and is none of anybody's.
        let before = rig.metrics.deliveries.total
        for offset in UInt64(1_001)...1_004 { rig.publish(Self.publication(offset)) }
        #expect(rig.metrics.deliveries.total == before && rig.bus.takeReads().isEmpty)
    }

    @Test func aGapIsReadAndDeliveredInOrder() throws {
        let rig = try Self.following(3)
        rig.publish(Self.publication(4), Self.publication(7), Self.publication(8))
        #expect(rig.metrics.deliveries.total == 1)
        #expect(rig.answer(Self.page(5...7, top: 7)) == ["a since 4x limit 300"])
        #expect(rig.metrics.deliveries.total == 5 && rig.shard.position(of: "a")?.offset == 8)
        #expect(rig.edge.take().isEmpty && rig.bus.takeReads().isEmpty)
    }

    @Test func aGapThatCannotBeFilledIsTold() throws {
        let rig = try Self.following(3)
        _ = rig.shard.subscribe(1, to: "a", Self.options(0, [.present]))
        _ = rig.shard.subscribe(2, to: "a", Self.options(0, [.positioned, .present]))
        rig.publish(Self.publication(7))
        rig.answer(Self.page(6...7, top: 7))
        #expect(rig.edge.take() == ["1 a missed", "2 a left", "0 a lost", "2 a lost"])
        #expect(!rig.shard.isSubscribed(0, to: "a") && rig.shard.isSubscribed(1, to: "a"))
        rig.publish(Self.publication(8))
        #expect(rig.metrics.deliveries.total == 1 && rig.metrics.positionsLost.total == 2)
        // What is lost is told slowly, and not to who is there again.
        #expect(rig.bus.take().isEmpty)
    }

    @Test func anotherEpochIsALoss() throws {
        let rig = try Self.following(3)
        rig.publish(Self.publication(1, epoch: "y"), Self.publication(2, epoch: "y"))
        rig.answer(Self.page(nil, top: 1, epoch: "y"))
        #expect(rig.edge.take() == ["0 a lost"])
        #expect(rig.bus.take() == ["-a"])
    }

    @Test func aStreamThatWentBackIsRenewed() throws {
        let rig = try Self.following(3)
        _ = rig.shard.subscribe(1, to: "a", Self.options(0, []))
        rig.publish(Self.publication(4), Self.publication(4))
        #expect(rig.metrics.deliveries.total == 2)
        rig.answer(Self.page(nil, top: 2))
        #expect(rig.bus.take() == ["renew a x"])
        #expect(rig.edge.take() == ["1 a missed", "0 a lost"])
        // While that is done nobody starts.
        #expect(rig.shard.subscribe(0, to: "a", Self.options(5)) == .pending)
        rig.publish(Self.publication(3))
        #expect(rig.metrics.deliveries.total == 2 && rig.bus.takeReads().isEmpty)
        rig.bus.finishRenewals()
        rig.shard.processMailbox()
        #expect(rig.metrics.deliveries.total == 3)
        // It was of the old epoch still.
        #expect(rig.answer(Self.page(nil, top: 0, epoch: "z")) == ["a since 3x limit 300"])
        #expect(rig.edge.take() == ["1 a missed", "0 a #5 subscribed at 0z"])
        #expect(rig.metrics.streamsRenewed.total == 1)
    }

    @Test func aDuplicateThatIsNoneOfTheStreamsDoingIsIgnored() throws {
        let rig = try Self.following(3)
        rig.publish(Self.publication(4), Self.publication(4), Self.publication(4))
        #expect(rig.answer(Self.page(nil, top: 4)) == ["a since 4x limit 300"])
        #expect(rig.metrics.deliveries.total == 1 && rig.edge.take().isEmpty && rig.bus.take().isEmpty)
    }

    @Test func afterAnOutageChannelsAreReadAFewAtATime() throws {
        let rig = try Self.rig(.with { $0.readsMax = 2 }, registered: 0..<6)
        for slot in Int32(0)..<5 {
            _ = rig.shard.subscribe(slot, to: "c\(slot)", Self.options(0))
            rig.acknowledge("c\(slot)")
            rig.answer(Self.page(nil, top: 1))
        }
        _ = rig.shard.subscribe(5, to: "plain", SubscribeOptions())
        rig.acknowledge("plain")
        _ = rig.edge.take()
        rig.hub.gap(nil)
        rig.shard.processMailbox()
        #expect(rig.edge.take() == ["5 plain missed"])
        var asked: [String] = []
        for expected in [2, 2, 1] {
            let reads = rig.bus.takeReads()
            #expect(reads.count == expected)
            asked += reads.map(\.channel)
            for read in reads { read.completion(.success(Self.page(2...2, top: 2))) }
            rig.shard.processMailbox()
        }
        #expect(Set(asked).count == 5 && rig.metrics.deliveries.total == 5)
        #expect(rig.edge.take().isEmpty)
    }

    @Test func positionsOfQuietChannelsAreCompared() throws {
        let rig = try Self.following(3, .with { $0.checkInterval = .seconds(40) })
        func reads(upTo second: Int64) -> Int {
            var count = 0
            while rig.shard.streams.now < second * 1_000_000_000 {
                rig.shard.ticked(now: rig.shard.streams.now + 100_000_000)
                for read in rig.bus.takeReads() {
                    count += 1
                    read.completion(.success(Self.page(nil, top: 3)))
                }
                rig.shard.processMailbox()
            }
            return count
        }
        #expect(reads(upTo: 39) == 0)
        #expect(reads(upTo: 82) == 1)
        #expect(reads(upTo: 123) == 1)
        rig.publish(Self.publication(4))
        #expect(reads(upTo: 163) == 0)
        // What the comparison finds missing is delivered.
        while rig.metrics.deliveries.total < 2, rig.shard.streams.now < 300_000_000_000 {
            rig.shard.ticked(now: rig.shard.streams.now + 100_000_000)
            rig.answer(Self.page(5...5, top: 5))
        }
        #expect(rig.shard.position(of: "a")?.offset == 5 && rig.edge.take().isEmpty)
    }

    /// Each stream by its own interval, whatever the shortest is.
    @Test func positionsAreComparedAsOftenAsTheirNamespaceSays() throws {
        let rig = try Self.rig(.with { $0.checkInterval = .seconds(40) })
        let intervals: [(String, Duration?)] = [("a", nil), ("b", .seconds(5)), ("c", .zero), ("d", .seconds(20))]
        for (index, (channel, interval)) in intervals.enumerated() {
            var options = Self.options(UInt32(index))
            options.positionCheck = interval
            _ = rig.shard.subscribe(Int32(index), to: channel, options)
            rig.acknowledge(channel)
            rig.answer(Self.page(nil, top: 3))
        }
        var counts: [String: Int] = [:]
        while rig.shard.streams.now < 200_000_000_000 {
            rig.shard.ticked(now: rig.shard.streams.now + 100_000_000)
            for read in rig.bus.takeReads() {
                counts[read.channel, default: 0] += 1
                read.completion(.success(Self.page(nil, top: 3)))
            }
            rig.shard.processMailbox()
        }
        #expect((36...40).contains(counts["b"] ?? 0), "\(counts)")
        #expect((8...10).contains(counts["d"] ?? 0) && (3...5).contains(counts["a"] ?? 0), "\(counts)")
        #expect(counts["c"] == nil)
    }

    /// Who asked for a short round makes it long again when it goes.
    @Test(arguments: [Duration.seconds(40), .zero]) func theRoundIsAsShortAsThoseThatAreThere(_ own: Duration) throws {
        let rig = try Self.rig(.with { $0.checkInterval = own })
        func subscribe(_ slot: Int32, _ channel: String, _ interval: Duration?) {
            var options = Self.options(UInt32(slot))
            options.positionCheck = interval
            _ = rig.shard.subscribe(slot, to: channel, options)
            rig.acknowledge(channel)
            rig.answer(Self.page(nil, top: 3))
        }
        func pass(seconds: Int) {
            for _ in 0..<seconds * 10 {
                rig.shard.ticked(now: rig.shard.streams.now + 100_000_000)
                rig.answer(Self.page(nil, top: 3))
            }
        }
        let whole = own == .zero ? Int64.max : own.nanoseconds
        subscribe(0, "a", nil)
        #expect(rig.shard.streams.round == own.nanoseconds)
        subscribe(1, "b", .seconds(5))
        #expect(rig.shard.streams.round == 5_000_000_000)
        pass(seconds: 12)
        subscribe(2, "c", .seconds(20))
        pass(seconds: 12)
        #expect(rig.shard.streams.round == 5_000_000_000)
        #expect(rig.shard.unsubscribe(1, from: "b"))
        pass(seconds: 12)
        #expect(rig.shard.streams.round == 20_000_000_000)
        // One that comes while the round is elsewhere counts for the next.
        subscribe(1, "b", .seconds(30))
        #expect(rig.shard.unsubscribe(2, from: "c"))
        pass(seconds: 62)
        #expect(rig.shard.streams.round == min(30_000_000_000, whole))
        #expect(rig.shard.unsubscribe(1, from: "b"))
        pass(seconds: 62)
        #expect(rig.shard.streams.round == own.nanoseconds)
    }

    /// It is kept in few bytes, as there may be one for every connection.
    @Test func anIntervalIsKeptAsItIsOrAsLongAsCanBe() {
        let stream = ChannelStream(
            history: HistoryOptions(size: 10, ttl: .seconds(60)), limits: SharedStreamLimits(StreamLimits()))
        stream.checkInterval = .milliseconds(1_500)
        #expect(stream.checkInterval == .milliseconds(1_500))
        stream.checkInterval = .seconds(10_000_000_000)
        #expect(stream.checkInterval.map { $0 > .seconds(2_000_000) } == true)
        stream.checkInterval = nil
        #expect(stream.checkInterval == nil)
    }

    @Test func aFailedReadIsToldToThoseWhoWaitAndTriedAgain() throws {
        let rig = try Self.rig(.with { $0.readFailuresMax = 3 })
        _ = rig.shard.subscribe(0, to: "a", Self.options(1))
        rig.acknowledge("a")
        rig.answer(.unavailable)
        #expect(rig.edge.take() == ["0 a #1 the bus is unavailable"])
        #expect(rig.bus.take() == ["+a", "-a"] && rig.metrics.subscriptions.current == 0)

        let other = try Self.following(3, .with { $0.readFailuresMax = 3 })
        _ = other.shard.subscribe(1, to: "a", Self.options(1, []))
        other.publish(Self.publication(6))
        other.answer(.unavailable)
        #expect(other.bus.takeReads().isEmpty)
        other.shard.ticked(now: 300_000_000)
        other.answer(.unavailable)
        other.shard.ticked(now: 400_000_000)
        #expect(other.bus.takeReads().isEmpty && other.edge.take().isEmpty)
        other.shard.ticked(now: 800_000_000)
        other.answer(.unavailable)
        #expect(other.edge.take() == ["1 a missed", "0 a lost"])
        // It goes on from where the next publication is.
        #expect(other.shard.position(of: "a")?.offset == 6 && other.metrics.deliveries.total == 1)
    }

    @Test func theLatestAloneIsRecoveredFromACache() throws {
        let rig = try Self.rig()
        func subscribe(_ slot: Int32, since: UInt64) -> Shard.SubscribeOutcome {
            var options = Self.options(UInt32(slot), since: since)
            options.recovery = .cache
            return rig.shard.subscribe(slot, to: "a", options)
        }
        _ = subscribe(0, since: 0)
        rig.acknowledge("a")
        #expect(rig.answer(Self.page(9...9, top: 9)) == ["a latest 1"])
        #expect(rig.edge.take() == ["0 a #0 subscribed at 9x recovered +9"])
        rig.publish(Self.publication(10))
        guard case .subscribed(let start) = subscribe(1, since: 2) else { return #expect(Bool(false)) }
        #expect(start.recovered && start.publications.map(\.offset) == [10])
        rig.shard.ticked(now: 6_000_000_000)
        guard case .subscribed(let again) = subscribe(2, since: 10) else { return #expect(Bool(false)) }
        #expect(again.recovered && again.publications.isEmpty)
        // It has expired.
        #expect(subscribe(3, since: 2) == .pending)
        #expect(rig.answer(Self.page(nil, top: 10)) == ["a latest 1"])
        #expect(rig.edge.take() == ["3 a #3 subscribed at 10x unrecovered"])
    }

    @Test func whatHasNoPositionDoesNotMoveTheStream() throws {
        let rig = try Self.following(3)
        rig.publish(Publication(channel: "a", data: [0x31]))
        var join = Publication(channel: "a", data: [])
        join.kind = .join
        rig.publish(join)
        #expect(rig.metrics.deliveries.total == 1 && rig.shard.position(of: "a")?.offset == 3)
        #expect(rig.bus.takeReads().isEmpty)
    }

    @Test func endsOfVisibleSubscriptionsAreTold() throws {
        let rig = try Self.following(3, StreamLimits(), [.positioned, .present])
        _ = rig.shard.subscribe(1, to: "a", Self.options(0, [.announced]))
        _ = rig.shard.subscribe(1, to: "b", SubscribeOptions(flags: [.present]))
        _ = rig.shard.subscribe(2, to: "a", Self.options(0, [.positioned]))
        let position = StreamPosition(offset: 3, epoch: "x")
        #expect(rig.shard.flags(of: 0, in: "a") == [.positioned, .present] && rig.shard.flags(of: 1, in: "b") == nil)
        #expect(
            rig.shard.subscriptions(of: 1) == [Subscription(channel: "a", flags: [.announced], position: position)])
        _ = rig.shard.unsubscribe(0, from: "a")
        #expect(rig.edge.take() == ["0 a left"])
        rig.shard.unregister(1)
        rig.shard.unregister(2)
        #expect(rig.edge.take() == ["1 a left"])
        #expect(rig.metrics.subscriptions.current == 0 && rig.metrics.channels.current == 0)
    }

    @Test func lossesAreToldAtAPace() throws {
        let rig = try Self.following(3, .with { $0.lossesPerTickMax = 2 })
        for slot in Int32(1)..<6 { _ = rig.shard.subscribe(slot, to: "a", Self.options(0)) }
        rig.publish(Self.publication(9))
        rig.answer(Self.page(nil, top: 9))
        #expect(rig.edge.take() == ["0 a lost", "1 a lost"])
        // One has gone, one has come again, and one has given its slot to another.
        rig.shard.unregister(2)
        _ = rig.shard.subscribe(3, to: "a", Self.options(0))
        rig.shard.unregister(4)
        rig.register(4..<5)
        rig.shard.ticked(now: 100_000_000)
        #expect(rig.edge.take() == ["5 a lost"])
    }

    @Test func droppedMessagesAreALossOrAGap() throws {
        let rig = try Self.following(3, StreamLimits(), [.positioned, .present])
        _ = rig.shard.subscribe(0, to: "b", SubscribeOptions())
        rig.acknowledge("b")
        _ = rig.edge.take()
        rig.shard.dropped(0)
        #expect(rig.edge.take() == ["0 a left", "0 b missed", "0 a lost"])
        #expect(rig.shard.subscriptions(of: 0).map(\.channel) == ["b"])
        rig.shard.dropped(5)
        #expect(rig.edge.take().isEmpty)
    }

    @Test func whoGoesDuringAReadIsNotTold() throws {
        let rig = try Self.rig()
        _ = rig.shard.subscribe(0, to: "a", Self.options(1))
        rig.acknowledge("a")
        rig.shard.unregister(0)
        #expect(rig.bus.take() == ["+a", "-a"])
        rig.register(0..<1)
        _ = rig.shard.subscribe(0, to: "a", Self.options(2))
        // The answer to a question that nobody asks any more.
        rig.answer(Self.page(nil, top: 8))
        #expect(rig.edge.take().isEmpty)
        rig.acknowledge("a")
        rig.answer(Self.page(nil, top: 9))
        #expect(rig.edge.take() == ["0 a #2 subscribed at 9x"])
    }
}
