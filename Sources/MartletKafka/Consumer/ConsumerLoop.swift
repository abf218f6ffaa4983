// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletCore
import MartletInstruments

/// The consumer's thread: looks up where to begin, reads, begins anew what failed, and judges the health of it all.
///
/// Confined to that thread.
final class ConsumerLoop {
    private struct Topic {
        let name: String
        var isResolved = false
        var attemptAt: Int64 = 0
        var backoff: Backoff
    }

    struct Partition {
        /// When a fetch was last known to be answered.
        var answeredAt: Int64?
        /// The last fetch was answered with an error.
        var isRefused = false
        /// The position was gone, and not everything that is left has been read since.
        var isLost = false
        /// When that was noticed last.
        var lostAt: Int64?
        /// When to begin anew.
        var restartAt: Int64?
        var backoff: Backoff
    }

    private let configuration: KafkaConfiguration
    private let source: any ConsumerSource
    private let delegate: any KafkaConsumerDelegate
    private let metrics: KafkaConsumerMetrics
    private let logger: Logger
    private let status: ConsumerStatus

    private var topics: [Topic]
    private var partitions: [[Partition]]
    private var catchUp: CatchUp
    private var liveness = FetchLiveness()
    private var limiter = ErrorLimiter()
    /// Why the brokers cannot be asked about a topic, for who wonders why nothing comes; nil once they were.
    private var obstacle: KafkaError?
    private var observeAt: Int64 = 0
    /// Read before each poll; what is handed over during it came at most one wait later.
    private var now = Clock.monotonic
    /// Positions have moved since they were last told.
    private var hasMoved = false

    private static let pollMax: Duration = .milliseconds(100)

    init(
        configuration: KafkaConfiguration, source: any ConsumerSource, delegate: any KafkaConsumerDelegate,
        metrics: KafkaConsumerMetrics, logger: Logger, status: ConsumerStatus
    ) {
        self.configuration = configuration
        self.source = source
        self.delegate = delegate
        self.metrics = metrics
        self.logger = logger
        self.status = status
        self.topics = configuration.topics.map { Topic(name: $0, backoff: configuration.retry) }
        self.partitions = configuration.topics.map { _ in [] }
        self.catchUp = CatchUp(topicCount: configuration.topics.count)
    }

    func run() {
        while !self.status.isStopping { self.turn() }
        self.source.close()
    }

    /// One round: what is due, then what has come.
    func turn() {
        self.now = Clock.monotonic
        self.resolveTopics()
        self.restartPartitions()
        self.source.poll(timeout: self.pollTimeout, into: self)
        self.now = Clock.monotonic
        if self.hasMoved {
            self.hasMoved = false
            self.status.positionsChanged(self.catchUp.topics.map { $0.map(\.position) })
        }
        // Getting well is told at once, falling ill at the next look: a moment's lag is no illness.
        if self.now >= self.observeAt || (self.catchUp.isComplete && !self.status.health.isHealthy) {
            self.observe()
        }
    }

    private var pollTimeout: Duration {
        var due = self.now + Self.pollMax.nanoseconds
        for topic in self.topics where !topic.isResolved { due = min(due, topic.attemptAt) }
        for partition in self.partitions.joined() { due = min(due, partition.restartAt ?? due) }
        return .nanoseconds(max(0, due - self.now))
    }

    // MARK: - Beginning

    private func resolveTopics() {
        for index in self.topics.indices
        where !self.topics[index].isResolved && self.topics[index].attemptAt <= self.now && !self.status.isStopping {
            do throws(KafkaError) {
                let starts = try self.starts(of: index)
                try self.begin(index, starts)
                self.topics[index].isResolved = true
                self.obstacle = nil
                self.topics[index].backoff.reset()
                self.catchUp.topicResolved(index, starts: starts)
                self.partitions[index] = starts.map { _ in Partition(backoff: self.configuration.retry) }
                self.hasMoved = true
                self.logger.info(
                    "Reading Kafka topic",
                    metadata: ["topic": "\(self.topics[index].name)", "partitions": "\(starts.count)"])
            } catch {
                self.report(error, topic: index)
                self.topics[index].attemptAt = Clock.monotonic + self.topics[index].backoff.next().nanoseconds
            }
        }
        self.announceCatchUp()
    }

    /// The ends first: what is written while the rest is being asked lies beyond them and is read as news.
    private func starts(of topic: Int) throws(KafkaError) -> [PartitionStart] {
        let count = try self.source.partitionCount(topic: topic)
        var watermarks: [Watermarks] = []
        for partition in 0..<count {
            if self.status.isStopping { throw KafkaError(.stopped, "the consumer is stopping") }
            watermarks.append(try self.source.watermarks(topic: topic, partition: Int32(clamping: partition)))
        }
        let horizon = Int64((Clock.wall - self.configuration.lookback.inSeconds) * 1000)
        switch self.configuration.start {
        case .earliest:
            return watermarks.map { .earliest($0, horizon: horizon) }
        case .timestamp:
            let found = try self.source.offsets(topic: topic, partitionCount: count, since: horizon)
            guard found.count == count else { throw KafkaError(.refused, "offsets of other partitions were told") }
            return zip(watermarks, found).map { .timestamp($0, found: $1, horizon: horizon) }
        }
    }

    /// All partitions of a topic, or none.
    private func begin(_ topic: Int, _ starts: [PartitionStart]) throws(KafkaError) {
        for (partition, start) in starts.enumerated() {
            do throws(KafkaError) {
                try self.source.begin(topic: topic, partition: Int32(clamping: partition), offset: start.offset)
            } catch {
                for begun in 0..<partition { self.source.end(topic: topic, partition: Int32(clamping: begun)) }
                throw error
            }
        }
    }

    private func add(partition: Int32, to topic: Int) {
        self.catchUp.partitionAdded(topic)
        // It counts as answered for now: it gets as long as the others to be answered.
        self.partitions[topic].append(Partition(answeredAt: self.now, backoff: self.configuration.retry))
        self.hasMoved = true
        self.logger.info(
            "Reading a new partition",
            metadata: ["topic": "\(self.topics[topic].name)", "partition": "\(partition)"])
        do throws(KafkaError) {
            try self.source.begin(topic: topic, partition: partition, offset: nil)
        } catch {
            self.fetchFailed(topic: topic, partition: partition, error)
        }
    }

    // MARK: - Beginning anew

    private func restartPartitions() {
        for topic in self.partitions.indices {
            for index in self.partitions[topic].indices {
                guard let restartAt = self.partitions[topic][index].restartAt, restartAt <= self.now,
                    !self.status.isStopping
                else { continue }
                self.restart(topic, index)
            }
        }
    }

    private func restart(_ topic: Int, _ index: Int) {
        let partition = Int32(clamping: index)
        self.source.end(topic: topic, partition: partition)
        do throws(KafkaError) {
            if self.partitions[topic][index].isLost {
                let watermarks = try self.source.watermarks(topic: topic, partition: partition)
                try self.source.begin(topic: topic, partition: partition, offset: watermarks.low)
                self.catchUp.restarted(topic, partition, watermarks)
            } else {
                let position = self.catchUp.topics[topic][index].position
                try self.source.begin(topic: topic, partition: partition, offset: position)
            }
            self.partitions[topic][index].restartAt = nil
        } catch {
            self.report(error, topic: topic)
            self.scheduleRestart(topic, index)
        }
    }

    private func scheduleRestart(_ topic: Int, _ index: Int) {
        self.partitions[topic][index].restartAt =
            Clock.monotonic + self.partitions[topic][index].backoff.next().nanoseconds
    }

    // MARK: - Telling

    private func announceCatchUp() {
        guard !self.catchUp.isComplete, self.catchUp.completes() else { return }
        self.status.caughtUp()
        self.logger.info("Caught up with Kafka")
        self.delegate.occurred(.caughtUp)
    }

    private func report(_ error: KafkaError, topic: Int?) {
        guard error.code != .stopped else { return }
        self.metrics.errors[error.code]?.add()
        guard self.limiter.admits(error, topic: topic, now: Clock.monotonic) else { return }
        var named = error
        if let topic { named.text = "topic \(self.topics[topic].name): \(error.text)" }
        self.logger.warning("Kafka error", metadata: ["error": "\(named)"])
        self.delegate.occurred(.failed(named))
    }

    private func tell(_ loss: PartitionProgress.Loss, _ topic: Int, _ partition: Int32) {
        self.metrics.truncations[topic].add()
        self.logger.warning(
            "Kafka dropped records before they could be read",
            metadata: [
                "topic": "\(self.topics[topic].name)", "partition": "\(partition)", "cause": "\(loss.cause)",
                "first_retained_ms": "\(loss.firstRetained.map { "\($0)" } ?? "none")",
            ])
        self.delegate.occurred(
            .truncated(
                KafkaTruncation(
                    topic: topic, partition: partition, cause: loss.cause, firstRetained: loss.firstRetained)))
    }

    // MARK: - Health

    private func observe() {
        self.observeAt = self.now + self.configuration.observationInterval.nanoseconds
        for (topic, progress) in self.catchUp.topics.enumerated() {
            self.metrics.lag[topic].set(Int(clamping: progress.reduce(0) { $0 + $1.lag }))
            self.metrics.partitions[topic].set(progress.count)
        }
        let health = self.judgement()
        self.metrics.healthy.set(health.isHealthy ? 1 : 0)
        guard let before = self.status.healthChanged(health) else { return }
        switch health {
        case .healthy: self.logger.info("Push from Kafka is healthy")
        case .unhealthy(let reason):
            // Another reason for the same state is no news to an operator.
            self.logger.log(
                level: before.isHealthy ? .warning : .debug, "Push from Kafka is not healthy",
                metadata: ["reason": "\(reason)"])
        }
        self.delegate.occurred(.healthChanged(health))
    }

    private func judgement() -> KafkaHealth {
        if !self.catchUp.isComplete, let topic = self.catchUp.firstBehind {
            let reason = "catching up with topic \(self.topics[topic].name)"
            guard !self.topics[topic].isResolved, let obstacle else { return .unhealthy(reason) }
            return .unhealthy("\(reason): \(obstacle.text)")
        }
        for topic in self.partitions.indices {
            for index in self.partitions[topic].indices {
                if let reason = self.illness(topic, index) {
                    return .unhealthy("topic \(self.topics[topic].name), partition \(index): \(reason)")
                }
            }
        }
        return .healthy
    }

    private func illness(_ topic: Int, _ index: Int) -> String? {
        let progress = self.catchUp.topics[topic][index]
        if self.partitions[topic][index].isLost {
            guard progress.isCaughtUp, self.partitions[topic][index].restartAt == nil else {
                return "reading again what is left after records were dropped"
            }
            self.partitions[topic][index].isLost = false
        }
        if let lostAt = self.partitions[topic][index].lostAt {
            guard self.now - lostAt >= self.configuration.lossMemory.nanoseconds else { return "records were lost" }
            self.partitions[topic][index].lostAt = nil
        }
        if self.partitions[topic][index].isRefused { return "fetches are refused" }
        guard let answeredAt = self.partitions[topic][index].answeredAt,
            self.now - answeredAt <= self.configuration.silenceMax.nanoseconds
        else { return "fetches are not answered" }
        return progress.lag > self.configuration.lagMax ? "too far behind" : nil
    }
}

// MARK: - What the client tells

extension ConsumerLoop: ConsumerSink {
    /// Positions and health are told in between, however long the delegate takes over what one poll brought.
    var mustReturn: Bool { self.status.isStopping || Clock.monotonic >= self.observeAt }

    func recordReceived(_ record: borrowing KafkaRecord, key: Span<UInt8>?, value: Span<UInt8>?) {
        guard self.answered(record.topic, record.partition, at: self.now) else { return }
        let loss = self.catchUp.recordReceived(
            record.topic, record.partition, offset: record.offset, timestamp: record.timestamp)
        if let loss { self.tell(loss, record.topic, record.partition) }
        self.delegate.received(record, key: key, value: value)
        self.metrics.records[record.topic].add()
        self.announceCatchUp()
    }

    func endReached(topic: Int, partition: Int32, at offset: Int64) {
        guard self.answered(topic, partition, at: Clock.monotonic) else { return }
        if let loss = self.catchUp.endReached(topic, partition, at: offset) { self.tell(loss, topic, partition) }
        self.announceCatchUp()
    }

    func positionLost(topic: Int, partition: Int32, _ error: KafkaError) {
        guard self.isKnown(topic, partition) else { return }
        self.report(error, topic: topic)
        self.partitions[topic][Int(partition)].isLost = true
        self.partitions[topic][Int(partition)].lostAt = self.now
        // Told at once: by the next look all may be read again.
        self.observeAt = self.now
        self.partitions[topic][Int(partition)].restartAt = self.now
    }

    func fetchFailed(topic: Int, partition: Int32, _ error: KafkaError) {
        guard self.isKnown(topic, partition) else { return }
        self.report(error, topic: topic)
        self.partitions[topic][Int(partition)].isRefused = true
        // A partition begun anew tells its end again, which shows that it is served.
        if self.partitions[topic][Int(partition)].restartAt == nil { self.scheduleRestart(topic, Int(partition)) }
    }

    func clientFailed(_ error: KafkaError) {
        self.report(error, topic: nil)
        guard self.obstacle == nil || !error.isConsequence, self.obstacle?.name != error.name else { return }
        self.obstacle = error
        // But for its cause, the text tells how often and for how long, which changes every time.
        if let cause = error.text.split(separator: " (after ", maxSplits: 1).first {
            self.obstacle?.text = String(cause)
        }
    }

    func statisticsReceived(_ json: [UInt8]) {
        let statistics: ClientStatistics
        do {
            statistics = try ClientStatistics(json: json)
        } catch {
            self.report(KafkaError(.refused, "the client's statistics cannot be read: \(error)"), topic: nil)
            return
        }
        let now = Clock.monotonic
        let answering = self.liveness.answering(statistics)
        for topic in self.topics.indices where self.topics[topic].isResolved {
            let told = statistics.topics[self.topics[topic].name]?.partitions.values.filter {
                $0.number >= 0 && !$0.isUnknown
            }
            for partition in told ?? [] where self.isKnown(topic, partition.number) {
                self.catchUp.highObserved(topic, partition.number, partition.high)
                if partition.fetchState == "active", answering.contains(partition.broker) {
                    self.partitions[topic][Int(partition.number)].answeredAt = now
                }
            }
            let count = Int(told?.map(\.number).max() ?? -1) + 1
            for added in self.partitions[topic].count..<max(count, self.partitions[topic].count) {
                self.add(partition: Int32(clamping: added), to: topic)
            }
        }
    }

    private func isKnown(_ topic: Int, _ partition: Int32) -> Bool {
        self.partitions.indices.contains(topic) && self.partitions[topic].indices.contains(Int(partition))
    }

    /// What has come for a partition shows that its fetches are answered. False where it is none of ours.
    private func answered(_ topic: Int, _ partition: Int32, at now: Int64) -> Bool {
        guard self.isKnown(topic, partition) else { return false }
        self.hasMoved = true
        self.partitions[topic][Int(partition)].answeredAt = now
        if self.partitions[topic][Int(partition)].isRefused {
            self.partitions[topic][Int(partition)].isRefused = false
            self.partitions[topic][Int(partition)].backoff.reset()
        }
        return true
    }
}
