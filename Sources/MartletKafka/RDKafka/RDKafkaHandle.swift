// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

internal import CRdKafka
import Logging

/// One librdkafka client instance: made from properties, told about by callbacks, destroyed once.
// @unchecked Sendable: an instance may be used from any thread, says librdkafka; `close` is called by the one thread
// that then owns it, and by nothing after it.
// @safe: the pointer is valid until `close`, and only the target's own shells reach it.
@safe final class RDKafkaHandle: @unchecked Sendable {
    let pointer: OpaquePointer
    /// What callbacks reach; retained for librdkafka until the instance is destroyed.
    let context: RDKafkaContext
    private var isClosed = false

    init(
        _ kind: rd_kafka_type_t, properties: [(name: String, value: String)], context: RDKafkaContext
    ) throws(KafkaError) {
        guard let conf = unsafe rd_kafka_conf_new() else { throw KafkaError(.refused, "out of memory") }
        for (name, value) in properties {
            do throws(KafkaError) {
                try unsafe Self.set(name, value, conf)
            } catch {
                unsafe rd_kafka_conf_destroy(conf)
                throw error
            }
        }
        unsafe context.install(in: conf, kind: kind)
        var text = [CChar](repeating: 0, count: 512)
        let retained = unsafe Unmanaged.passRetained(context)
        unsafe rd_kafka_conf_set_opaque(conf, retained.toOpaque())
        guard let pointer = unsafe rd_kafka_new(kind, conf, &text, text.count) else {
            // The instance would have taken the configuration over; it was not made, so it is still ours.
            unsafe rd_kafka_conf_destroy(conf)
            unsafe retained.release()
            throw KafkaError(.configuration, String(decodingTerminated: text))
        }
        unsafe self.pointer = pointer
        self.context = context
    }

    /// Waits for the instance's threads to end. No callback runs afterwards.
    func close() {
        guard !self.isClosed else { return }
        self.isClosed = true
        unsafe rd_kafka_destroy(self.pointer)
        // Balances the retain of `init`: nothing can reach the context through librdkafka any more.
        unsafe Unmanaged.passUnretained(self.context).release()
    }

    deinit { self.close() }

    private static func set(_ name: String, _ value: String, _ conf: OpaquePointer) throws(KafkaError) {
        var text = [CChar](repeating: 0, count: 512)
        // unsafe: strings and buffer live for the call.
        let result = unsafe rd_kafka_conf_set(conf, name, value, &text, text.count)
        guard result == RD_KAFKA_CONF_OK else {
            throw KafkaError(.configuration, String(decodingTerminated: text))
        }
    }
}

extension String {
    /// A C string in a buffer that is larger than it.
    init(decodingTerminated buffer: [CChar]) {
        self.init(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
