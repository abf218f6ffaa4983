// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletBus
import MartletCore
import MartletHub
import MartletInstruments
import MartletProtocol
import MartletSessions
import Synchronization

/// Reads the stream of revocations in Redis, from its beginning and for as long as the node runs.
///
/// The node subscribes to the control channel first and reads to the stream's end then, so that there is nothing
/// between the two; it reads on whenever it is told that something was appended, after every reconnect, and every ten
/// seconds. Being told only hastens it.
final class RevocationFeed: Sendable {
    private struct State: Sendable {
        var epoch = ""
        var last = StreamID.zero
        /// The end when the node had caught up for the first time; nil until then.
        var replayedTo: StreamID?
        /// Which making of the subscriptions the last read followed that came to the end.
        var subscriptions: Int?
        /// When the last read began, and the last that came to the end, in monotonic nanoseconds.
        var triedAt: Int64?
        var readAt: Int64?
        var failure: String?
        /// The last that was read before Redis lost some: all up to there is remembered here.
        var known = StreamID.zero
        /// What this node remembers of what Redis has lost, until it is in the stream again.
        var lost = LostRevocations()
        /// Whether this node has taken it on itself to write that again; and when it last asked whether it may.
        var isRepairing = false
        var claimedAt: Int64?
        /// When revocations were last seen to be lost, in monotonic nanoseconds.
        var lostAt: Int64?
    }

    /// From one read to the next where nothing is told, and after one that failed.
    private static let interval: Int64 = 10_000_000_000
    private static let retryInterval: Int64 = 1_000_000_000
    /// From one question whether it is this node's turn to repair to the next, in nanoseconds.
    private static let claimInterval: Int64 = 5_000_000_000
    /// Time without a read that came to the end after which revocations may be missing.
    private static let silenceMax: Int64 = 30_000_000_000
    /// For which a loss counts as push that is not healthy.
    private static let lossMemory: Int64 = 10_000_000_000
    private static let tick: Duration = .milliseconds(50)
    /// What is written again before it is looked at what others revoke meanwhile.
    private static let writesBetweenReads = 100

    private let log: any RevocationLog
    private let intake: InvalidationIntake
    private let revocations: RevocationTable
    private let logger: Logger
    private let losses: Counter
    private let state = Mutex(State())
    private let wakes = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    init(
        log: any RevocationLog, intake: InvalidationIntake, revocations: RevocationTable, metrics: MetricsRegistry,
        logger: Logger
    ) {
        self.log = log
        self.intake = intake
        self.revocations = revocations
        self.logger = logger
        self.losses = metrics.counter(
            "martlet_revocation_stream_losses_total",
            "Times when Redis was found to have lost revocations, or to have dropped some because they were too many.")
    }

    // MARK: - How far it has come

    /// Whether the stream was once read to its end after the node could be told of what follows.
    var isCaughtUp: Bool { self.state.withLock { $0.replayedTo != nil } }

    /// Why revocations may not reach this node; nil while they do.
    var concern: String? {
        let now = Clock.monotonic
        return self.state.withLock { state in
            guard state.replayedTo != nil else { return "revocations: reading them from redis" }
            guard let readAt = state.readAt, now - readAt <= Self.silenceMax else {
                return "revocations: redis gives none: \(state.failure ?? "no answer")"
            }
            // So long that sessions are validated early, which may have been among what was lost.
            if let lostAt = state.lostAt, now - lostAt < Self.lossMemory { return "revocations: redis lost some" }
            return nil
        }
    }

    /// Whether the event with this identifier was applied: before the node was ready, since, or not yet.
    func progress(of id: StreamID) -> EventProgress {
        self.state.withLock { state in
            guard id <= state.last else { return .pending }
            return state.replayedTo.map { id <= $0 } ?? true ? .replayed : .applied
        }
    }

    // MARK: - Reading

    /// Something was appended.
    func wake() { self.wakes.continuation.yield() }

    /// Reads until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.keepTime() }
            for await _ in self.wakes.stream { await self.readToEnd() }
            group.cancelAll()
        }
    }

    private func keepTime() async {
        while !Task.isCancelled {
            if self.isDue(now: Clock.monotonic) { self.wake() }
            guard (try? await Task.sleep(for: Self.tick)) != nil else { return }
        }
    }

    /// Whether there is reason to read though nothing was told.
    func isDue(now: Int64) -> Bool {
        // What is read before the node can be told of more would have to be read again.
        guard let subscriptions = self.log.subscriptions else { return false }
        return self.state.withLock { state in
            guard let triedAt = state.triedAt else { return true }
            if state.failure != nil { return now - triedAt >= Self.retryInterval }
            return state.subscriptions != subscriptions || now - triedAt >= Self.interval
        }
    }

    func readToEnd() async {
        // Before the first read: what is subscribed later would leave a hole.
        guard let subscriptions = self.log.subscriptions else { return }
        self.state.withLock { $0.triedAt = Clock.monotonic }
        do throws(BusError) {
            while try await self.readOn(), !Task.isCancelled {}
        } catch {
            let isNews = self.state.withLock { state in
                defer { state.failure = "\(error)" }
                return state.failure == nil
            }
            if isNews { self.logger.warning("revocations cannot be read", metadata: ["error": "\(error)"]) }
            return
        }
        self.state.withLock { state in
            state.failure = nil
            state.readAt = Clock.monotonic
            state.subscriptions = subscriptions
            if state.replayedTo == nil { state.replayedTo = state.last }
        }
        await self.repair()
    }

    /// Writes again what this node remembers of what was lost: nodes that start later read nothing else. One node after
    /// the other does, each what is not there by then, as one may remember what no other has read.
    private func repair() async {
        guard self.state.withLock({ !$0.lost.isEmpty && self.mayClaim($0) }) else { return }
        do throws(BusError) {
            // A claim of its own that failed half-way is still this node's.
            var isClaimed = self.state.withLock { $0.isRepairing }
            if !isClaimed { isClaimed = try await self.log.claimRepair() }
            self.state.withLock { state in
                state.claimedAt = Clock.monotonic
                state.isRepairing = isClaimed
            }
            guard isClaimed else { return }
            // What the one before has written is found first.
            while try await self.readOn(), !Task.isCancelled {}
            let (missing, floor) = self.state.withLock { ($0.lost.missing, $0.lost.floor) }
            // The floor that Redis had was lost as well.
            let own = self.revocations.floor.map { StreamID(milliseconds: UInt64(max(0, $0)) * 1_000, sequence: 0) }
            if let floor = [floor, own].compactMap({ $0 }).max() { try await self.log.raiseFloor(to: floor) }
            for (index, invalidation) in missing.enumerated() where !Task.isCancelled {
                // Others revoke meanwhile, and may have begun to repair where this takes longer than its claim.
                if index.isMultiple(of: Self.writesBetweenReads) {
                    while try await self.readOn(), !Task.isCancelled {}
                }
                guard self.state.withLock({ $0.lost.contains(invalidation) }) else { continue }
                _ = try await self.log.append(ControlMessage.invalidation(invalidation).json)
                self.state.withLock { $0.lost.found(invalidation) }
            }
            if !missing.isEmpty {
                self.logger.notice(
                    "revocations that redis had lost were written again", metadata: ["count": "\(missing.count)"])
            }
            self.state.withLock { $0.isRepairing = false }
            try await self.log.releaseRepair()
        } catch {
            // Tried again with the next read.
            self.logger.warning(
                "revocations that redis had lost are not written again", metadata: ["error": "\(error)"])
        }
    }

    /// All nodes read whenever one has written; they do not ask as often whether it is their turn.
    private func mayClaim(_ state: State) -> Bool {
        guard !state.isRepairing, let claimedAt = state.claimedAt else { return true }
        return Clock.monotonic - claimedAt >= Self.claimInterval
    }

    /// Reads a page and applies it; whether there may be more.
    private func readOn() async throws(BusError) -> Bool {
        let before = self.state.withLock { (epoch: $0.epoch, last: $0.last, known: max($0.known, $0.last)) }
        let page = try await self.log.read(after: before.last)
        if before.last > .zero, page.epoch != before.epoch || page.last < before.last {
            self.losses.add()
            self.logger.error("redis has lost revocations that it had kept: reading from the beginning")
            let remembered = self.intake.journal.remembered
            self.state.withLock { state in
                state.epoch = page.epoch
                state.known = before.known
                state.last = .zero
                state.lost.add(remembered.invalidations, isFull: remembered.isFull)
                state.claimedAt = nil
                state.lostAt = Clock.monotonic
            }
            return true
        }
        if let floor = page.floor, floor > before.known {
            self.losses.add()
            self.revocations.raiseFloor(to: Int64(floor.time))
            self.state.withLock { $0.lostAt = Clock.monotonic }
            self.logger.error("redis has dropped revocations before they were read, because they were too many")
        }
        let tellsShards = self.isCaughtUp
        for entry in page.entries {
            self.apply(entry.message, at: entry.id, tellsShards: tellsShards)
            // No faster than the shards close: what waits, waits in Redis.
            while self.intake.isBehind, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(1)) }
        }
        self.state.withLock { state in
            state.epoch = page.epoch
            if let last = page.entries.last?.id { state.last = max(state.last, last) }
        }
        return page.isFull
    }

    private func apply(_ message: [UInt8], at id: StreamID, tellsShards: Bool) {
        let recordTime = RecordTime(id.time, isOfLog: true)
        guard case .invalidation(let invalidation) = ControlMessage(message.span, recordTime: recordTime) else {
            return self.intake.refused(.malformed, ["stream_id": "\(id)"])
        }
        self.state.withLock { $0.lost.found(invalidation) }
        self.intake.take(
            invalidation, receivedAt: min(id.time, Clock.wall), at: .redis(id), tellsShards: tellsShards)
    }
}
