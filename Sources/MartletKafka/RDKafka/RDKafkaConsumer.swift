// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

internal import CRdKafka
import Logging
import MartletCore

/// Reads partitions with librdkafka's simple consumer, which knows no groups and commits nothing.
///
/// All partitions are led into one queue, so that one wait serves them all.
// @unchecked Sendable: it is made on one thread and handed to the consumer's thread, the only one that calls it then.
// @safe: every pointer is valid from `init` to `close`, and calls after `close` do nothing.
@safe final class RDKafkaConsumer: ConsumerSource, @unchecked Sendable {
    private let handle: RDKafkaHandle
    private let queue: OpaquePointer
    /// In the configuration's order.
    private var topics: [RDKafkaTopic] = []
    private var begun: Set<TopicPartition> = []
    private var isClosed = false
    private let requestTimeout: Int32
    /// Set while `poll` runs.
    private var sink: (any ConsumerSink)?

    private struct TopicPartition: Hashable {
        var topic: Int
        var partition: Int32
    }

    init(_ configuration: KafkaConfiguration, logger: Logger) throws(KafkaError) {
        self.requestTimeout = configuration.requestTimeout.milliseconds
        self.handle = try RDKafkaHandle(
            RD_KAFKA_CONSUMER, properties: configuration.consumerProperties, context: RDKafkaContext(logger: logger))
        // unsafe: the instance is valid until `close`, which frees queue and topics before it.
        unsafe self.queue = rd_kafka_queue_new(self.handle.pointer)
        for (index, name) in configuration.topics.enumerated() {
            self.topics.append(try RDKafkaTopic(name, index: index, in: self.handle))
        }
    }

    deinit { self.close() }

    func partitionCount(topic: Int) throws(KafkaError) -> Int {
        let topic = try self.topic(topic)
        var metadata: UnsafePointer<rd_kafka_metadata>?
        // unsafe: all pointers are valid; what comes back is read and destroyed before returning.
        let result = unsafe rd_kafka_metadata(self.handle.pointer, 0, topic.pointer, &metadata, self.requestTimeout)
        guard result == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata = unsafe metadata else {
            throw KafkaError(result, "the brokers did not describe the topic")
        }
        defer { unsafe rd_kafka_metadata_destroy(metadata) }
        guard unsafe metadata.pointee.topic_cnt == 1, let topics = unsafe metadata.pointee.topics else {
            throw KafkaError(.refused, "the brokers described another topic")
        }
        let error = unsafe topics[0].err
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(error, "the topic cannot be read") }
        let count = unsafe Int(topics[0].partition_cnt)
        guard count > 0 else { throw KafkaError(.unknownTopic, "the topic has no partitions") }
        return count
    }

    func watermarks(topic: Int, partition: Int32) throws(KafkaError) -> Watermarks {
        let name = try unsafe rd_kafka_topic_name(self.topic(topic).pointer)
        var watermarks = Watermarks(low: 0, high: 0)
        // unsafe: the name belongs to the topic; the numbers outlive the call.
        let result = unsafe rd_kafka_query_watermark_offsets(
            self.handle.pointer, name, partition, &watermarks.low, &watermarks.high, self.requestTimeout)
        guard result == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError(result, "the brokers did not tell what partition \(partition) holds")
        }
        guard 0 <= watermarks.low, watermarks.low <= watermarks.high else {
            throw KafkaError(.refused, "partition \(partition) is said to hold \(watermarks.low)..<\(watermarks.high)")
        }
        return watermarks
    }

    func offsets(topic: Int, partitionCount: Int, since timestamp: Int64) throws(KafkaError) -> [Int64?] {
        let name = try unsafe rd_kafka_topic_name(self.topic(topic).pointer)
        guard let list = unsafe rd_kafka_topic_partition_list_new(Int32(clamping: partitionCount)) else {
            throw KafkaError(.refused, "out of memory")
        }
        defer { unsafe rd_kafka_topic_partition_list_destroy(list) }
        for partition in 0..<partitionCount {
            // unsafe: the list has just been made and owns the element that comes back.
            let element = unsafe rd_kafka_topic_partition_list_add(list, name, Int32(clamping: partition))
            unsafe element?.pointee.offset = timestamp
        }
        let result = unsafe rd_kafka_offsets_for_times(self.handle.pointer, list, self.requestTimeout)
        guard result == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError(result, "the brokers did not find offsets by time")
        }
        var offsets: [Int64?] = []
        for index in 0..<partitionCount {
            // unsafe: the list keeps its elements, in the order in which they were added.
            let element = unsafe list.pointee.elems[index]
            guard unsafe element.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
                throw unsafe KafkaError(element.err, "the brokers did not find partition \(index) by time")
            }
            unsafe offsets.append(element.offset < 0 ? nil : element.offset)
        }
        return offsets
    }

    func begin(topic: Int, partition: Int32, offset: Int64?) throws(KafkaError) {
        let pointer = try unsafe self.topic(topic).pointer
        let start = offset ?? Int64(RD_KAFKA_OFFSET_BEGINNING)
        guard unsafe rd_kafka_consume_start_queue(pointer, partition, start, self.queue) == 0 else {
            throw KafkaError.last("reading partition \(partition) could not begin")
        }
        self.begun.insert(TopicPartition(topic: topic, partition: partition))
    }

    func end(topic: Int, partition: Int32) {
        guard self.begun.remove(TopicPartition(topic: topic, partition: partition)) != nil,
            let pointer = unsafe try? self.topic(topic).pointer
        else { return }
        // Waits until librdkafka has let go of the partition; what it fetched for it is then outdated and skipped.
        _ = unsafe rd_kafka_consume_stop(pointer, partition)
    }

    func poll(timeout: Duration, into sink: any ConsumerSink) {
        guard !self.isClosed else { return }
        self.sink = sink
        self.handle.context.sink = sink
        // Statistics and errors come from the instance's own queue.
        _ = unsafe rd_kafka_poll(self.handle.pointer, 0)
        // unsafe: the opaque is this consumer, which is alive for as long as the call lasts.
        _ = unsafe rd_kafka_consume_callback_queue(
            self.queue, timeout.milliseconds,
            { message, opaque in
                guard let message = unsafe message, let opaque = unsafe opaque else { return }
                let consumer = unsafe Unmanaged<RDKafkaConsumer>.fromOpaque(opaque).takeUnretainedValue()
                unsafe consumer.received(UnsafePointer(message))
            },
            Unmanaged.passUnretained(self).toOpaque())
        self.handle.context.sink = nil
        self.sink = nil
    }

    func close() {
        guard !self.isClosed else { return }
        for each in self.begun { self.end(topic: each.topic, partition: each.partition) }
        self.isClosed = true
        for topic in self.topics { topic.destroy() }
        unsafe rd_kafka_queue_destroy(self.queue)
        self.handle.close()
    }

    private func topic(_ index: Int) throws(KafkaError) -> RDKafkaTopic {
        guard !self.isClosed, self.topics.indices.contains(index) else {
            throw KafkaError(.stopped, "the consumer is closed")
        }
        return self.topics[index]
    }

    /// - Parameter message: Valid for the call.
    @unsafe private func received(_ message: UnsafePointer<rd_kafka_message_t>) {
        guard let sink = self.sink, let pointer = unsafe message.pointee.rkt else { return }
        let topic = unsafe RDKafkaTopic.index(of: pointer)
        let partition = unsafe message.pointee.partition
        let error = unsafe message.pointee.err
        switch error {
        case RD_KAFKA_RESP_ERR_NO_ERROR:
            let record = unsafe KafkaRecord(topic: topic, message: message)
            let key = unsafe UnsafeBufferPointer(
                start: message.pointee.key?.assumingMemoryBound(to: UInt8.self), count: message.pointee.key_len)
            let value = unsafe UnsafeBufferPointer(
                start: message.pointee.payload?.assumingMemoryBound(to: UInt8.self), count: message.pointee.len)
            // A null value is not an empty one: it has no address.
            unsafe sink.recordReceived(
                record,
                key: key.baseAddress == nil ? nil : key.span,
                value: value.baseAddress == nil ? nil : value.span)
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            unsafe sink.endReached(topic: topic, partition: partition, at: message.pointee.offset)
        default:
            // unsafe: the text belongs to the message, and is copied.
            let text = unsafe rd_kafka_message_errstr(message).map { unsafe String(cString: $0) } ?? ""
            let failure = KafkaError(error, text)
            if error == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET {
                sink.positionLost(topic: topic, partition: partition, failure)
            } else {
                sink.fetchFailed(topic: topic, partition: partition, failure)
            }
        }
        // What is left over stays in the queue, and is freed with it.
        if sink.mustReturn { unsafe rd_kafka_yield(self.handle.pointer) }
    }
}

extension Duration {
    /// Whole milliseconds, as librdkafka takes them.
    var milliseconds: Int32 { Int32(clamping: self.nanoseconds / 1_000_000) }
}
