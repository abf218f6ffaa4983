// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import MartletCore
import MartletHub
import MartletInstruments
import MartletKafka
import MartletProtocol
import MartletSessions
import Synchronization

/// Where invalidations come in, whatever their source: first remembered, then told to every shard.
///
/// That order, with connections registering before they check, is what leaves no revoked connection open.
final class InvalidationIntake: Sendable {
    private let revocations: RevocationTable
    private let hub: Hub
    let journal: RevocationJournal
    private let metrics: SessionMetrics
    let missedPush: MissedPush
    private let topics: [InvalidationTopic]
    private let deadLetters: DeadLetters?
    private let logger: Logger
    private let complaints = LogPace()
    private let datesAhead = LogPace()
    /// Whether clients may be connected, so that the shards must be told.
    private let isOpen = Atomic<Bool>(false)

    init(
        revocations: RevocationTable, hub: Hub, journal: RevocationJournal = RevocationJournal(),
        metrics: SessionMetrics, missedPush: MissedPush = MissedPush(grace: .zero), topics: [InvalidationTopic],
        deadLetters: DeadLetters? = nil, logger: Logger
    ) {
        self.revocations = revocations
        self.hub = hub
        self.journal = journal
        self.metrics = metrics
        self.missedPush = missedPush
        self.topics = topics
        self.deadLetters = deadLetters
        self.logger = logger
    }

    /// - Parameters:
    ///   - position: Where a log keeps it.
    ///   - isOwn: It was appended to that log here, and will come once more from there.
    ///   - tellsShards: False where no connection can be open that it would end.
    func take(
        _ invalidation: Invalidation, receivedAt: Double = Clock.wall, at position: EventPosition? = nil,
        isOwn: Bool = false, tellsShards: Bool = true
    ) {
        self.missedPush.heard(invalidation)
        // What comes while clients are here is news, however old its source says it is: a clock may be wrong that far.
        // One that is known is told again: a connection could have come between by another node's clock.
        let receivedAt = tellsShards ? max(receivedAt, Clock.wall) : receivedAt
        guard self.revocations.insert(invalidation, receivedAt: receivedAt) != .expired else { return }
        // The first clients may have been let in while this one was read.
        let tellsShards = tellsShards || self.isOpen.load(ordering: .acquiring)
        let tally = self.journal.note(invalidation, at: position, isOwn: isOwn, isReplay: !tellsShards)
        if tellsShards { self.hub.invalidate(invalidation, tally) }
    }

    /// Reads no faster than the shards close: on the consumer's own thread, where waiting only leaves records with the
    /// brokers.
    private func waitForShards() {
        while self.hub.isBehind { Thread.sleep(forTimeInterval: 0.001) }
    }

    /// To be called before the first client is let in: from now on what is read may end connections.
    func open() { self.isOpen.store(true, ordering: .releasing) }

    /// Whether the shards have more to close than a source that can wait should add to.
    var isBehind: Bool { self.hub.isBehind }

    /// Counts an event that could not be taken, and logs some of them; it stops nothing.
    func refused(_ reason: BadRecordReason, _ metadata: @autoclosure () -> Logger.Metadata) {
        self.metrics.bad(reason)
        guard self.complaints.isDue() else { return }
        self.logger.warning("cannot take an invalidation: \(reason.rawValue)", metadata: metadata())
    }
}

extension InvalidationIntake: KafkaConsumerDelegate {
    func received(_ record: borrowing KafkaRecord, key: Span<UInt8>?, value: Span<UInt8>?) {
        guard self.topics.indices.contains(record.topic) else { return }
        let topic = self.topics[record.topic]
        // Before the node has caught up nobody has been let in, and a replay may be ten million records long.
        let isOpen = self.isOpen.load(ordering: .relaxed)
        let (partition, offset) = (record.partition, record.offset)
        func place() -> Logger.Metadata {
            ["topic": "\(topic.name)", "partition": "\(partition)", "offset": "\(offset)"]
        }
        switch self.read(record, of: topic, key: key, value: value) {
        case .foreign: self.metrics.invalidationsIgnored.add()
        case .decoded(let decoded):
            if decoded.isClamped { self.clamped(place()) }
            let taken = record.timestamp > 0 ? Double(record.timestamp) / 1_000 : Clock.wall
            self.take(
                decoded.invalidation, receivedAt: min(taken, Clock.wall),
                at: .kafka(topic: topic.name, partition: record.partition, offset: record.offset),
                tellsShards: isOpen)
            if isOpen { self.waitForShards() }
        case .bad(let reason):
            let letter = DeadLetters.Letter(
                topic: topic.name, partition: record.partition, offset: record.offset, timestamp: record.timestamp,
                reason: reason)
            self.refused(reason, place())
            // It may have ended a session: what cannot be judged for want of keys is not forgotten in silence.
            if reason == .keysUnavailable {
                let at = record.timestamp > 0 ? Double(record.timestamp) / 1_000 : Clock.wall
                self.revocations.raiseFloor(to: Int64(min(at, Clock.wall)))
            }
            // Of what was there before this node began, the nodes that ran then have told.
            if isOpen, let deadLetter = topic.deadLetter {
                self.deadLetters?.copy(letter, key: key, value: value, to: deadLetter)
            }
        }
    }

    private func clamped(_ place: @autoclosure () -> Logger.Metadata) {
        self.metrics.invalidationsClamped.add()
        guard self.datesAhead.isDue() else { return }
        self.logger.warning("an invalidation is dated ahead, and counts as of when it was written", metadata: place())
    }

    private func read(
        _ record: borrowing KafkaRecord, of topic: InvalidationTopic, key: Span<UInt8>?, value: Span<UInt8>?
    ) -> InvalidationOutcome {
        let (decoder, now) = (InvalidationDecoder(source: .kafka), Clock.wall)
        let writtenAt = record.timestamp > 0 ? Double(record.timestamp) / 1_000 : nil
        let recordTime = writtenAt.map { RecordTime($0, isOfLog: record.isAppendTime) }
        let place = "\(topic.name)/\(record.partition)/\(record.offset)"
        switch topic.reader {
        case .martlet:
            return InvalidationOutcome(
                decoder.martlet(value, recordTime: recordTime, receivedAt: now, place: place))
        case .cloudEvents:
            return decoder.cloudEvent(
                value, header: { record.header($0) }, recordTime: recordTime, receivedAt: now, place: place)
        case .table(let table):
            return decoder.sessionTable(
                key: key, value: value, table, recordTime: recordTime, receivedAt: now, place: place)
        case .tokens(let verifier):
            guard let value else { return .bad(.nullValue) }
            switch verifier.judge(record: value, writtenAt: min(writtenAt ?? now, now)) {
            case .refused(let reason): return .bad(reason)
            case .verified(let claims):
                return decoder.token(claims, recordTime: recordTime, receivedAt: now, place: place)
            case .unverified(let claims):
                self.metrics.invalidationsUnverified.add()
                return decoder.token(claims, recordTime: recordTime, receivedAt: now, place: place)
            }
        }
    }

    func occurred(_ event: KafkaConsumerEvent) {
        switch event {
        case .caughtUp:
            self.isOpen.store(true, ordering: .releasing)
        case .healthChanged(.healthy): self.logger.info("events arrive again")
        case .healthChanged(.unhealthy(let why)): self.logger.warning("events may not arrive: \(why)")
        // The consumer has logged it.
        case .failed: break
        case .truncated(let truncation):
            if let floor = Self.floor(truncation, now: Clock.wall) { self.revocations.raiseFloor(to: floor) }
            self.logger.error(
                "events were dropped before they were read",
                metadata: ["topic": "\(truncation.topic)", "partition": "\(truncation.partition)"])
        }
    }

    /// Up to which second tokens may have fallen under an event that was dropped before it was read: what came before
    /// the first record that is left. Where none is left, a lost position means up to now; a short horizon says only
    /// that the topic is empty, as a quiet one is. A record of the future only has a wrong clock behind it: it must not
    /// put tokens in doubt that are yet to be issued.
    static func floor(_ truncation: KafkaTruncation, now: Double) -> Int64? {
        if let first = truncation.firstRetained { return min(first / 1_000, Int64(now)) }
        return truncation.cause == .position ? Int64(now) : nil
    }
}
