// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
package import Logging
import MartletCore
package import MartletInstruments
import Synchronization

/// Writes records and tells when the brokers have them: idempotent, acknowledged by all in-sync replicas.
///
/// Reports are served by a thread of its own. An instance that met a fatal error is replaced by a new one.
package final class KafkaProducer: Sendable {
    private struct State {
        var producer: RDKafkaProducer?
        var isStopping = false
    }

    private let configuration: KafkaConfiguration
    private let logger: Logger
    private let state: Mutex<State>
    private let inFlight: Gauge
    private let acknowledged: Counter
    private let failed: Counter
    private let errors: [KafkaError.Code: Counter]
    private let isStarted = Atomic<Bool>(false)
    private let ended = Latch()

    /// How long what is in flight may still be acknowledged after `stop`.
    private static let stopMax: Duration = .seconds(2)
    private static let pollMax: Duration = .milliseconds(100)

    /// Refuses a configuration that librdkafka refuses. Nothing is acknowledged before `run` or `start`.
    package init(
        configuration: KafkaConfiguration, metrics: MetricsRegistry, logger: Logger
    ) throws(KafkaError) {
        try configuration.validate()
        self.configuration = configuration
        self.logger = logger
        self.state = Mutex(State(producer: try RDKafkaProducer(configuration, logger: logger)))
        self.inFlight = metrics.gauge("martlet_kafka_produces_in_flight", "Records not yet acknowledged.")
        self.acknowledged = metrics.counter(
            "martlet_kafka_produces_total", "Records produced, by outcome.", labels: [("outcome", "acknowledged")])
        self.failed = metrics.counter(
            "martlet_kafka_produces_total", "Records produced, by outcome.", labels: [("outcome", "failed")])
        self.errors = KafkaConsumerMetrics.errors(client: "producer", registry: metrics)
    }

    /// Waits until the record is acknowledged, or is known not to be, or the produce timeout has passed.
    ///
    /// After an error the record may still have been written, as always when an answer is lost. A nil value is a null
    /// value; a nil key leaves the partition to chance.
    package func produce(
        topic: String, key: [UInt8]?, value: [UInt8]?, headers: [KafkaHeader] = []
    ) async throws(KafkaError) -> KafkaReceipt {
        guard self.inFlight.addOne(upTo: self.configuration.producesInFlightMax) else {
            self.failed.add()
            throw KafkaError(.full, "\(self.configuration.producesInFlightMax) records are waiting for the brokers")
        }
        defer { self.inFlight.add(-1) }
        let outcome: KafkaDelivery.Outcome = await withCheckedContinuation { continuation in
            let delivery = KafkaDelivery(topic: topic, continuation: continuation)
            if let error = self.enqueue(topic: topic, key: key, value: value, headers, delivery) {
                delivery.fail(error)
            }
        }
        switch outcome {
        case .success: self.acknowledged.add()
        case .failure: self.failed.add()
        }
        return try outcome.get()
    }

    /// Serves until the task is cancelled or `stop` is called, and returns when every record has its outcome and the
    /// connections are closed.
    package func run() async {
        self.start()
        await withTaskCancellationHandler {
            await self.ended.wait()
        } onCancel: {
            self.requestStop()
        }
    }

    /// Begins to serve reports, once.
    package func start() {
        guard !self.isStarted.exchange(true, ordering: .relaxed) else { return }
        let thread = Thread { [self] in
            self.serve()
            self.ended.open()
        }
        thread.name = "martlet-produce"
        thread.start()
    }

    /// Accepts nothing more, lets what is in flight be acknowledged for a moment, gives up the rest, and closes.
    package func stop() async {
        self.requestStop()
        // A producer that never ran is closed by the thread that finds it stopped.
        self.start()
        await self.ended.wait()
    }

    private func requestStop() { self.state.withLock { $0.isStopping = true } }

    /// What went wrong; nil when a report will follow.
    private func enqueue(
        topic: String, key: [UInt8]?, value: [UInt8]?, _ headers: [KafkaHeader], _ delivery: KafkaDelivery
    ) -> KafkaError? {
        self.state.withLock { state in
            guard !state.isStopping else { return KafkaError(.stopped, "the producer is stopping") }
            guard let producer = state.producer else {
                return KafkaError(.unavailable, "the producer is being replaced after a fatal error")
            }
            do throws(KafkaError) {
                try producer.enqueue(topic: topic, key: key, value: value, headers, delivery)
                return nil
            } catch {
                return error
            }
        }
    }

    // MARK: - The thread

    private func serve() {
        let sink = ProducerSink(errors: self.errors, logger: self.logger)
        var backoff = self.configuration.retry
        while true {
            let (producer, isStopping) = self.state.withLock { ($0.producer, $0.isStopping) }
            if isStopping {
                // Nothing can be enqueued any more: that happens under the lock that told so.
                if let producer { self.finish(producer, within: Self.stopMax, sink) }
                return
            }
            if let producer, !producer.isFatal {
                producer.poll(timeout: Self.pollMax, into: sink)
            } else {
                self.replace(producer, sink, &backoff)
            }
        }
    }

    private func replace(_ producer: RDKafkaProducer?, _ sink: ProducerSink, _ backoff: inout Backoff) {
        self.state.withLock { $0.producer = nil }
        if let producer { self.finish(producer, within: .zero, sink) }
        do throws(KafkaError) {
            let replacement = try RDKafkaProducer(self.configuration, logger: self.logger)
            self.state.withLock { $0.producer = replacement }
            backoff.reset()
            self.logger.warning("Kafka producer replaced after a fatal error")
        } catch {
            sink.clientFailed(error)
            Thread.sleep(forTimeInterval: min(1, backoff.next().inSeconds))
        }
    }

    /// Every record gets its report before the instance is destroyed.
    private func finish(_ producer: RDKafkaProducer, within duration: Duration, _ sink: ProducerSink) {
        let deadline = Clock.monotonic + duration.nanoseconds
        while producer.outstanding > 0, Clock.monotonic < deadline {
            producer.poll(timeout: .milliseconds(10), into: sink)
        }
        producer.purge()
        while producer.outstanding > 0 { producer.poll(timeout: .milliseconds(10), into: sink) }
        producer.close()
    }
}
