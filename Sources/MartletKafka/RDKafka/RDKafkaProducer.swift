// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

internal import CRdKafka
import Logging
import MartletCore
import Synchronization

/// Writes records with librdkafka's idempotent producer.
// @unchecked Sendable: the instance may be used from any thread; the topics are reached only under the lock of the
// `KafkaProducer` that owns this, and `close` is called after it has been taken out of that lock.
// @safe: every pointer is valid until `close`.
@safe final class RDKafkaProducer: @unchecked Sendable {
    /// Topics come from configuration; a caller that invents them would otherwise fill the memory.
    private static let topicsMax = 256

    private let handle: RDKafkaHandle
    private var topics: [String: RDKafkaTopic] = [:]
    private var isClosed = false

    init(_ configuration: KafkaConfiguration, logger: Logger) throws(KafkaError) {
        self.handle = try RDKafkaHandle(
            RD_KAFKA_PRODUCER, properties: configuration.producerProperties, context: RDKafkaContext(logger: logger))
    }

    deinit { self.close() }

    /// Whether this instance met an error after which it accepts nothing.
    var isFatal: Bool { self.handle.context.isFatal.load(ordering: .relaxed) }

    /// Hands a record over. Where this throws, the delivery is not settled and the caller must do it.
    func enqueue(
        topic: String, key: [UInt8]?, value: [UInt8]?, _ headers: [KafkaHeader], _ delivery: KafkaDelivery
    ) throws(KafkaError) {
        let topic = try self.topic(topic)
        let retained = unsafe Unmanaged.passRetained(delivery)
        guard headers.isEmpty else {
            let list = unsafe Self.list(headers)
            let error = unsafe Self.withBytes(key) { key in
                unsafe Self.withBytes(value) { value in
                    unsafe self.produce(topic, key: key, value: value, list, retained.toOpaque())
                }
            }
            guard let error else { return }
            // What was not taken has kept its headers, and there will be no report on it.
            unsafe rd_kafka_headers_destroy(list)
            unsafe retained.release()
            throw error
        }
        let result = unsafe Self.withBytes(key) { key in
            unsafe Self.withBytes(value) { value in
                // unsafe: the bytes are copied in the call, as the flag asks; the opaque is released by the report.
                unsafe rd_kafka_produce(
                    topic.pointer, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
                    UnsafeMutableRawPointer(mutating: value.baseAddress), value.count, key.baseAddress, key.count,
                    retained.toOpaque())
            }
        }
        guard result == 0 else {
            let error = KafkaError.last("the record was not accepted")
            // There will be no report on what was not taken.
            unsafe retained.release()
            throw error
        }
    }

    private static func list(_ headers: [KafkaHeader]) -> OpaquePointer? {
        let list = unsafe rd_kafka_headers_new(headers.count)
        for header in headers {
            // unsafe: name and value live for the call, which copies them.
            _ = unsafe header.value.withUnsafeBytes {
                unsafe rd_kafka_header_add(list, header.name, -1, $0.baseAddress, $0.count)
            }
        }
        return unsafe list
    }

    /// What went wrong; nil where the record was taken, and its headers with it.
    /// - Parameters: All pointers are valid for the call, which copies key and value.
    @unsafe private func produce(
        _ topic: RDKafkaTopic, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, _ headers: OpaquePointer?,
        _ opaque: UnsafeMutableRawPointer
    ) -> KafkaError? {
        var fields = unsafe [rd_kafka_vu_t](repeating: rd_kafka_vu_t(), count: 6)
        unsafe fields[0].vtype = RD_KAFKA_VTYPE_RKT
        unsafe fields[0].u.rkt = topic.pointer
        unsafe fields[1].vtype = RD_KAFKA_VTYPE_MSGFLAGS
        unsafe fields[1].u.i = CInt(RD_KAFKA_MSG_F_COPY)
        unsafe fields[2].vtype = RD_KAFKA_VTYPE_KEY
        unsafe fields[2].u.mem.ptr = UnsafeMutableRawPointer(mutating: key.baseAddress)
        unsafe fields[2].u.mem.size = key.count
        unsafe fields[3].vtype = RD_KAFKA_VTYPE_VALUE
        unsafe fields[3].u.mem.ptr = UnsafeMutableRawPointer(mutating: value.baseAddress)
        unsafe fields[3].u.mem.size = value.count
        unsafe fields[4].vtype = RD_KAFKA_VTYPE_HEADERS
        unsafe fields[4].u.headers = headers
        unsafe fields[5].vtype = RD_KAFKA_VTYPE_OPAQUE
        unsafe fields[5].u.ptr = opaque
        guard let error = unsafe rd_kafka_produceva(self.handle.pointer, fields, fields.count) else { return nil }
        defer { unsafe rd_kafka_error_destroy(error) }
        return KafkaError(unsafe rd_kafka_error_code(error), "the record was not accepted")
    }

    /// Serves reports and errors, on the producer's thread, waiting at most `timeout` for the first.
    func poll(timeout: Duration, into sink: any ClientSink) {
        guard !self.isClosed else { return }
        self.handle.context.sink = sink
        _ = unsafe rd_kafka_poll(self.handle.pointer, timeout.milliseconds)
        self.handle.context.sink = nil
    }

    /// Records on which there was no report yet.
    var outstanding: Int { self.isClosed ? 0 : unsafe Int(rd_kafka_outq_len(self.handle.pointer)) }

    /// Gives up every record that is not acknowledged; reports on them follow.
    func purge() {
        guard !self.isClosed else { return }
        _ = unsafe rd_kafka_purge(self.handle.pointer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
    }

    func close() {
        guard !self.isClosed else { return }
        self.isClosed = true
        for topic in self.topics.values { topic.destroy() }
        self.handle.close()
    }

    private func topic(_ name: String) throws(KafkaError) -> RDKafkaTopic {
        guard !self.isClosed else { throw KafkaError(.stopped, "the producer is closed") }
        if let known = self.topics[name] { return known }
        try KafkaConfiguration.validate(topic: name)
        guard self.topics.count < Self.topicsMax else {
            throw KafkaError(.configuration, "more than \(Self.topicsMax) topics are produced to")
        }
        let topic = try RDKafkaTopic(name, index: self.topics.count, in: self.handle)
        self.topics[name] = topic
        return topic
    }

    /// A null is not an empty value: only that has no address.
    @unsafe private static func withBytes<Result>(
        _ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        guard let bytes else { return unsafe body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        if bytes.isEmpty {
            // An empty array may have no address, which would make it a null.
            return unsafe withUnsafeBytes(of: UInt8(0)) { unsafe body(UnsafeRawBufferPointer(rebasing: $0[..<0])) }
        }
        return unsafe bytes.withUnsafeBytes { unsafe body($0) }
    }
}
