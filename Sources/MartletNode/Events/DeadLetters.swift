// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletCore
import MartletInstruments
import MartletKafka
import MartletProtocol
import Synchronization

/// Copies records that could not be read to a topic where people look at them.
///
/// It never waits: what cannot be written is counted, and the record stays where it was, by the place that was logged.
final class DeadLetters: Sendable {
    /// Copies on their way at the same time.
    static let inFlightMax = 100
    /// Bytes of a key or a value; what is beyond is left out.
    static let bytesMax = 262_144
    /// Nodes of a cluster that copy the same record, so that one of them may be gone.
    static let copiesMax = 2

    /// A record that could not be read, and why.
    struct Letter {
        var topic: String
        var partition: Int32
        var offset: Int64
        /// Milliseconds since 1970; negative for none.
        var timestamp: Int64
        var reason: BadRecordReason
    }

    private let produce: @Sendable (String, [UInt8]?, [UInt8]?, [KafkaHeader]) async throws(KafkaError) -> Void
    private let node: String
    private let isResponsible: @Sendable () -> Bool
    private let logger: Logger
    private let inFlight = Atomic<Int>(0)
    private let complaints = LogPace()
    private let written: Counter
    private let failed: Counter
    private let dropped: Counter

    /// - Parameters:
    ///   - node: What this node calls itself.
    ///   - isResponsible: Whether this node is one of those that copy.
    init(
        node: String, metrics: MetricsRegistry, logger: Logger, isResponsible: @escaping @Sendable () -> Bool,
        produce: @escaping @Sendable (String, [UInt8]?, [UInt8]?, [KafkaHeader]) async throws(KafkaError) -> Void
    ) {
        self.node = node
        self.isResponsible = isResponsible
        self.produce = produce
        self.logger = logger
        func counter(_ outcome: String) -> Counter {
            metrics.counter(
                "martlet_dead_letters_total",
                "Records that could not be read, by whether they were copied to their dead-letter topic.",
                labels: [("outcome", outcome)])
        }
        self.written = counter("written")
        self.failed = counter("failed")
        self.dropped = counter("dropped")
    }

    func copy(_ letter: Letter, key: Span<UInt8>?, value: Span<UInt8>?, to topic: String) {
        guard self.isResponsible() else { return }
        guard self.inFlight.add(1, ordering: .relaxed).newValue <= Self.inFlightMax else {
            self.inFlight.subtract(1, ordering: .relaxed)
            return self.dropped.add()
        }
        var headers = [
            KafkaHeader("martlet-reason", letter.reason.rawValue), KafkaHeader("martlet-topic", letter.topic),
            KafkaHeader("martlet-partition", "\(letter.partition)"), KafkaHeader("martlet-offset", "\(letter.offset)"),
            KafkaHeader("martlet-timestamp", "\(letter.timestamp)"), KafkaHeader("martlet-node", self.node),
        ]
        if let value, value.count > Self.bytesMax {
            headers.append(KafkaHeader("martlet-value-bytes", "\(value.count)"))
        }
        let (key, value) = (Self.bytes(key), Self.bytes(value))
        // Not a child of anything: the thread that reads must not wait. Bounded in number here, in time by the producer.
        Task { [headers] in
            do throws(KafkaError) {
                try await self.produce(topic, key, value, headers)
                self.written.add()
            } catch {
                self.failed.add()
                self.complain(error, topic)
            }
            self.inFlight.subtract(1, ordering: .relaxed)
        }
    }

    private func complain(_ error: KafkaError, _ topic: String) {
        guard self.complaints.isDue() else { return }
        self.logger.warning("a dead letter was not written", metadata: ["topic": "\(topic)", "error": "\(error)"])
    }

    private static func bytes(_ bytes: Span<UInt8>?) -> [UInt8]? {
        guard let bytes else { return nil }
        let count = min(bytes.count, Self.bytesMax)
        return [UInt8](copying: bytes.extracting(0..<count))
    }
}
