// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

internal import CRdKafka

/// A record as it lies in the client's memory: it lives for one call and can be neither copied nor kept.
// @safe: the message is only read by methods of this value, which cannot outlive the callback that it is made in.
@safe package struct KafkaRecord: ~Copyable {
    /// The index in the configuration's topics.
    package let topic: Int
    package let partition: Int32
    package let offset: Int64
    /// Milliseconds since 1970; negative when the record has no time.
    package let timestamp: Int64
    /// Whether the brokers say so by their own clock, and not who wrote the record.
    package let isAppendTime: Bool
    private let message: UnsafePointer<rd_kafka_message_t>?

    /// A record without headers, as for tests of a delegate.
    package init(topic: Int, partition: Int32, offset: Int64, timestamp: Int64, isAppendTime: Bool = false) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.isAppendTime = isAppendTime
        unsafe self.message = nil
    }

    /// - Parameter message: Valid for as long as the record is borrowed.
    @unsafe init(topic: Int, message: UnsafePointer<rd_kafka_message_t>) {
        self.topic = topic
        self.partition = unsafe message.pointee.partition
        self.offset = unsafe message.pointee.offset
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        // unsafe: the message is valid, and `kind` outlives the call.
        let timestamp = unsafe rd_kafka_message_timestamp(message, &kind)
        self.timestamp = kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : timestamp
        self.isAppendTime = kind == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME
        unsafe self.message = message
    }

    /// The last header of this name; nil when there is none or its value is null. Headers are parsed when first asked.
    package borrowing func header(_ name: String) -> [UInt8]? {
        guard let message = unsafe self.message else { return nil }
        var headers: OpaquePointer?
        var value: UnsafeRawPointer?
        var count = 0
        // unsafe: headers and value belong to the message, which is valid here; the value is copied before returning.
        guard unsafe rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR,
            let headers = unsafe headers,
            unsafe rd_kafka_header_get_last(headers, name, &value, &count) == RD_KAFKA_RESP_ERR_NO_ERROR,
            let value = unsafe value
        else { return nil }
        return unsafe [UInt8](UnsafeRawBufferPointer(start: value, count: count))
    }
}
