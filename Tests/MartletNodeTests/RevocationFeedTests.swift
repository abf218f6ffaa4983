// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletBus
import MartletCore
import MartletHub
import MartletInstruments
import MartletProtocol
import MartletSessions
import TestSupport
import Testing

@testable import MartletNode

@Suite("Revocations read from Redis")
struct RevocationFeedTests {
    private struct Rig {
        let log = ScriptedLog()
        let registry = MetricsRegistry()
        let mailbox = Mailbox<ShardMessage>(dataMax: 16) {}
        let revocations: RevocationTable
        let journal: RevocationJournal
        let feed: RevocationFeed

        init(eventsMax: Int = RevocationJournal.eventsMax) {
            self.journal = RevocationJournal(eventsMax: eventsMax)
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let metrics = SessionMetrics(self.registry)
            self.revocations = RevocationTable(max: 1_000, tokenLifetimeMax: .seconds(3_600), metrics: metrics)
            let hub = Hub(mailboxes: [self.mailbox], metrics: HubMetrics(self.registry)) { _ in }
            let intake = InvalidationIntake(
                revocations: self.revocations, hub: hub, journal: self.journal, metrics: metrics, topics: [],
                logger: logger)
            self.feed = RevocationFeed(
                log: self.log, intake: intake, revocations: self.revocations, metrics: self.registry, logger: logger)
        }

        /// What the shards were told since the last time.
        func told() -> [Invalidation.Target] {
            var (control, data): ([ShardMessage], [ShardMessage]) = ([], [])
            self.mailbox.drain(control: &control, data: &data)
            return control.compactMap {
                if case .invalidate(let invalidation, _) = $0 { invalidation.target } else { nil }
            }
        }

        var losses: Int {
            self.registry.exposition().split(separator: "\n")
                .first { $0.hasPrefix("martlet_revocation_stream_losses_total ") }
                .flatMap { Int($0.split(separator: " ").last ?? "") } ?? -1
        }
    }

    private static func entry(
        _ session: String, _ sequence: UInt64, at: Double = Clock.wall
    ) -> (id: StreamID, message: [UInt8]) {
        let invalidation = Invalidation(id: session, target: .session(session), at: at, source: .api)
        return (Self.id(sequence), ControlMessage.invalidation(invalidation).json)
    }

    private static func sessions(_ entries: [(id: StreamID, message: [UInt8])]) -> [String] {
        entries.compactMap { entry in
            guard case .invalidation(let invalidation) = ControlMessage(entry.message.span) else { return nil }
            return invalidation.id
        }
    }

    /// One for all, or ids of two moments would not be in order.
    private static let milliseconds = UInt64(Clock.wall) * 1_000

    private static func id(_ sequence: UInt64) -> StreamID {
        StreamID(milliseconds: Self.milliseconds, sequence: sequence)
    }

    @Test func whatWasThereIsRememberedAndWhatComesLaterIsTold() async {
        let rig = Rig()
        rig.log.change { $0.entries = [Self.entry("a", 1), Self.entry("b", 2), Self.entry("c", 3)] }
        rig.log.change { $0.pageSize = 2 }
        #expect(!rig.feed.isCaughtUp && rig.feed.concern != nil)
        await rig.feed.readToEnd()
        #expect(rig.feed.isCaughtUp && rig.feed.concern == nil && rig.told().isEmpty)
        for session in ["a", "b", "c"] { #expect(rig.revocations.contains(.session(session))) }
        #expect(rig.log.reads == [.zero, Self.id(2)])
        rig.log.change { $0.entries.append(Self.entry("d", 4)) }
        await rig.feed.readToEnd()
        #expect(rig.told() == [.session("d")] && rig.losses == 0)
        #expect(rig.feed.progress(of: Self.id(3)) == .replayed)
        #expect(rig.feed.progress(of: Self.id(4)) == .applied)
        #expect(rig.feed.progress(of: Self.id(5)) == .pending)
        #expect(rig.journal.newest { $0.position == .redis(Self.id(3)) }?.isReplay == true)
        #expect(rig.journal.newest { $0.position == .redis(Self.id(4)) }?.isReplay == false)
    }

    @Test func nothingIsReadBeforeTheSubscriptionsHold() async {
        let rig = Rig()
        rig.log.change { $0.subscriptions = nil }
        #expect(!rig.feed.isDue(now: 0))
        await rig.feed.readToEnd()
        #expect(rig.log.reads.isEmpty && !rig.feed.isCaughtUp)
        rig.log.change { $0.subscriptions = 1 }
        #expect(rig.feed.isDue(now: 0))
        await rig.feed.readToEnd()
        #expect(rig.feed.isCaughtUp)
        let now = Clock.monotonic
        #expect(!rig.feed.isDue(now: now) && rig.feed.isDue(now: now + 11_000_000_000))
        // After every reconnect, because what was told meanwhile was told to nobody.
        rig.log.change { $0.subscriptions = 2 }
        #expect(rig.feed.isDue(now: now))
    }

    @Test func aReadThatFailsIsTriedAgain() async {
        let rig = Rig()
        rig.log.change { $0.failure = .unavailable }
        await rig.feed.readToEnd()
        let now = Clock.monotonic
        #expect(!rig.feed.isCaughtUp && !rig.feed.isDue(now: now) && rig.feed.isDue(now: now + 2_000_000_000))
        rig.log.change { $0.failure = nil }
        await rig.feed.readToEnd()
        #expect(rig.feed.isCaughtUp)
    }

    @Test(arguments: [true, false]) func dataThatRedisLostIsNoticedAndReadAnew(isRenamed: Bool) async {
        let rig = Rig()
        rig.log.change { $0.entries = [Self.entry("a", 1), Self.entry("b", 2)] }
        await rig.feed.readToEnd()
        // Another life, whose identifiers may have gone beyond; or the same one as it was before.
        rig.log.change { state in
            state.entries = [Self.entry("c", isRenamed ? 9 : 1)]
            if isRenamed { state.epoch = "e2" }
        }
        await rig.feed.readToEnd()
        #expect(rig.losses == 1 && rig.told() == [.session("c")])
        #expect(rig.revocations.contains(.session("a")))
        await rig.feed.readToEnd()
        #expect(rig.losses == 1 && rig.told().isEmpty)
    }

    @Test func whatRedisLostIsWrittenAgain() async {
        let rig = Rig()
        rig.log.change { $0.entries = [Self.entry("a", 1), Self.entry("b", 2)] }
        await rig.feed.readToEnd()
        rig.log.change { state in
            state.entries = [Self.entry("c", 9)]
            state.epoch = "e2"
            state.mayRepair = true
        }
        await rig.feed.readToEnd()
        // A node that starts now reads all of it.
        let later = Rig()
        let entries = rig.log.entries
        later.log.change { $0.entries = entries }
        await later.feed.readToEnd()
        #expect(entries.count == 3)
        for session in ["a", "b", "c"] { #expect(later.revocations.contains(.session(session))) }
        // Once.
        await rig.feed.readToEnd()
        #expect(rig.log.entries.count == 3 && rig.losses == 1)
    }

    @Test func whatOnlyOneNodeRemembersIsWrittenAgainByThatOne() async {
        let rig = Rig()
        rig.log.change { $0.entries = [Self.entry("a", 1), Self.entry("b", 2), Self.entry("c", 3)] }
        await rig.feed.readToEnd()
        // Back to what a replica had; another node, which had read no further than to "b", is the one to repair.
        rig.log.change { $0.entries = [Self.entry("a", 1)] }
        await rig.feed.readToEnd()
        #expect(rig.losses == 1 && rig.log.entries.count == 1 && rig.log.releases == 0)
        rig.log.change { $0.entries.append(Self.entry("b", 4)) }
        rig.log.change { $0.mayRepair = true }
        // Told at once of what that one wrote, this one does not ask again at once whether it may.
        await rig.feed.readToEnd()
        #expect(rig.log.entries.count == 2 && rig.log.releases == 0)
        // Found to be lost once more, it need not wait; and it writes only what is missing.
        rig.log.change { $0.epoch = "e2" }
        await rig.feed.readToEnd()
        #expect(Self.sessions(rig.log.entries) == ["a", "b", "c"] && rig.log.releases == 1)
        await rig.feed.readToEnd()
        #expect(rig.log.entries.count == 3 && rig.log.releases == 1 && rig.log.floor == nil)
    }

    @Test func whatNobodyRemembersByNameRaisesTheFloorOfThoseWhoComeLater() async {
        let rig = Rig(eventsMax: 2)
        rig.log.change { $0.entries = (1...3).map { Self.entry("s\($0)", $0, at: Double($0) * 1_000) } }
        await rig.feed.readToEnd()
        rig.log.change { state in
            state.entries = []
            state.epoch = "e2"
            state.mayRepair = true
        }
        await rig.feed.readToEnd()
        #expect(Self.sessions(rig.log.entries) == ["s2", "s3"])
        #expect(rig.log.floor == StreamID(milliseconds: 2_000_000, sequence: 0))
        // Those who were there remember all of it.
        await rig.feed.readToEnd()
        #expect(rig.revocations.floor == nil && rig.revocations.contains(.session("s1")))
        let later = Rig()
        let (entries, floor) = (rig.log.entries, rig.log.floor)
        later.log.change { state in
            state.entries = entries
            state.floor = floor
        }
        await later.feed.readToEnd()
        #expect(later.revocations.floor == 2_000)
    }

    @Test func whatWasDroppedUnreadRaisesTheFloor() async {
        let rig = Rig()
        rig.log.change { $0.entries = [Self.entry("a", 1)] }
        await rig.feed.readToEnd()
        #expect(rig.revocations.floor == nil)
        rig.log.change { state in
            state.entries = [Self.entry("x", 8)]
            state.floor = Self.id(8)
        }
        await rig.feed.readToEnd()
        #expect(rig.revocations.floor == Int64(Self.id(8).time) && rig.losses == 1)
        await rig.feed.readToEnd()
        #expect(rig.losses == 1)
    }

    @Test func whatCannotBeReadStopsNothing() async {
        let rig = Rig()
        rig.log.change { $0.entries = [(Self.id(1), Array("{".utf8)), Self.entry("a", 2)] }
        await rig.feed.readToEnd()
        #expect(rig.revocations.contains(.session("a")))
    }

    @Test func aHintReadsAtOnce() async {
        let rig = Rig()
        let task = Task { await rig.feed.run() }
        #expect(await eventually { rig.feed.isCaughtUp })
        rig.log.change { $0.entries = [Self.entry("a", 1)] }
        rig.feed.wake()
        #expect(await eventually { rig.told() == [.session("a")] })
        task.cancel()
        await task.value
    }
}
