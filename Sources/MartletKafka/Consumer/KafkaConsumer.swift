// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
package import Logging
package import MartletInstruments
import Synchronization

/// Reads every partition of every configured topic, on a thread of its own, for as long as it runs.
///
/// It belongs to no group and commits nothing: every node reads everything. It never gives up: brokers that are away,
/// topics that do not exist yet and positions that are gone are told and tried again.
package final class KafkaConsumer: Sendable {
    private let configuration: KafkaConfiguration
    private let source: any ConsumerSource & Sendable
    private let delegate: any KafkaConsumerDelegate
    private let metrics: KafkaConsumerMetrics
    private let logger: Logger
    private let status: ConsumerStatus
    private let isStarted = Atomic<Bool>(false)
    private let ended = Latch()

    /// Refuses a configuration that librdkafka refuses. Nothing is read before `run`.
    package convenience init(
        configuration: KafkaConfiguration, delegate: any KafkaConsumerDelegate, metrics: MetricsRegistry,
        logger: Logger
    ) throws(KafkaError) {
        try configuration.validate()
        self.init(
            configuration: configuration, source: try RDKafkaConsumer(configuration, logger: logger),
            delegate: delegate, metrics: metrics, logger: logger)
    }

    init(
        configuration: KafkaConfiguration, source: any ConsumerSource & Sendable,
        delegate: any KafkaConsumerDelegate, metrics: MetricsRegistry, logger: Logger
    ) {
        self.configuration = configuration
        self.source = source
        self.delegate = delegate
        self.metrics = KafkaConsumerMetrics(topics: configuration.topics, registry: metrics)
        self.logger = logger
        self.status = ConsumerStatus()
    }

    /// Reads until the task is cancelled or `stop` is called, and returns when the thread has ended and the connections
    /// are closed.
    package func run() async {
        self.start()
        await withTaskCancellationHandler {
            await self.ended.wait()
        } onCancel: {
            self.status.stop()
        }
    }

    /// Begins reading, once.
    package func start() {
        guard !self.isStarted.exchange(true, ordering: .relaxed) else { return }
        self.status.started()
        let thread = Thread { [self] in
            let loop = ConsumerLoop(
                configuration: self.configuration, source: self.source, delegate: self.delegate,
                metrics: self.metrics, logger: self.logger, status: self.status)
            loop.run()
            self.ended.open()
        }
        thread.name = "martlet-kafka"
        thread.start()
    }

    /// Ends the reading and returns when nothing of it is left. The delegate is not called afterwards.
    package func stop() async {
        self.status.stop()
        // A consumer that never ran ends by the thread that finds it stopped.
        self.start()
        await self.ended.wait()
    }

    /// Whether every partition was once read to where it had ended when the reading began.
    package var isCaughtUp: Bool { self.status.isCaughtUp }

    /// Since something came from the brokers, or since the reading began; none before that.
    package var idleTime: Duration { self.status.idleTime }

    package var health: KafkaHealth { self.status.health }

    /// The next offset to be read of every partition of the topics that are known, by topic.
    package var positions: [String: [Int64]] {
        Dictionary(zip(self.configuration.topics, self.status.positions)) { first, _ in first }
    }

    /// The next offset to be read: every record before it has been given to the delegate. Nil when unknown.
    package func position(topic: String, partition: Int32) -> Int64? {
        guard let index = self.configuration.topics.firstIndex(of: topic) else { return nil }
        return self.status.position(topic: index, partition: partition)
    }
}
