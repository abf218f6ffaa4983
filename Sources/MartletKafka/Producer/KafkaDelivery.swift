// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

internal import CRdKafka
import Synchronization

/// Who waits for a record's acknowledgement.
///
/// It travels through librdkafka as the record's opaque pointer, retained once. Every record that librdkafka has
/// taken comes back in exactly one delivery report, whether acknowledged, failed, timed out or purged, and the report
/// releases it.
final class KafkaDelivery: Sendable {
    typealias Outcome = Result<KafkaReceipt, KafkaError>

    /// Deliveries that live; what remains after a shutdown was lost in librdkafka.
    static let living = Atomic<Int>(0)

    private let topic: String
    private let continuation: CheckedContinuation<Outcome, Never>

    init(topic: String, continuation: CheckedContinuation<Outcome, Never>) {
        self.topic = topic
        self.continuation = continuation
        Self.living.add(1, ordering: .relaxed)
    }

    deinit { Self.living.subtract(1, ordering: .relaxed) }

    /// A record that librdkafka did not take.
    func fail(_ error: KafkaError) { self.continuation.resume(returning: .failure(error)) }

    /// The report on a record.
    ///
    /// - Parameter message: Valid for the call; its opaque is a retained delivery, which this releases.
    @unsafe static func settle(_ message: UnsafePointer<rd_kafka_message_t>) {
        guard let opaque = unsafe message.pointee._private else { return }
        let delivery = unsafe Unmanaged<KafkaDelivery>.fromOpaque(opaque).takeRetainedValue()
        let error = unsafe message.pointee.err
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR else {
            // unsafe: the text is static. Not `rd_kafka_message_errstr`: that reads the payload, which is an error's
            // text where messages are consumed, but here it is the caller's bytes.
            let text = unsafe rd_kafka_err2str(error).map { unsafe String(cString: $0) } ?? "the record was not written"
            delivery.fail(KafkaError(error, text))
            return
        }
        let offset = unsafe message.pointee.offset
        let receipt = unsafe KafkaReceipt(
            topic: delivery.topic, partition: message.pointee.partition, offset: offset < 0 ? nil : offset)
        delivery.continuation.resume(returning: .success(receipt))
    }
}
