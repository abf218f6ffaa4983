// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

internal import CRdKafka

/// A topic as one client instance knows it. Its owner destroys it before the instance.
// @safe: the pointer is valid until `destroy`, after which its owner forgets it.
@safe struct RDKafkaTopic {
    let pointer: OpaquePointer

    /// - Parameter index: What a record of this topic names it by; see `index(of:)`.
    init(_ name: String, index: Int, in handle: RDKafkaHandle) throws(KafkaError) {
        let conf = unsafe rd_kafka_default_topic_conf_dup(handle.pointer)
        unsafe rd_kafka_topic_conf_set_opaque(conf, UnsafeMutableRawPointer(bitPattern: index + 1))
        guard let pointer = unsafe rd_kafka_topic_new(handle.pointer, name, conf) else {
            // The topic would have taken the configuration over.
            let error = KafkaError.last("topic \(name) was not accepted")
            unsafe rd_kafka_topic_conf_destroy(conf)
            throw error
        }
        unsafe self.pointer = pointer
    }

    /// The index that a message's topic was made with: its opaque is no address, but that number + 1.
    @unsafe static func index(of pointer: OpaquePointer) -> Int {
        unsafe Int(bitPattern: rd_kafka_topic_opaque(pointer)) - 1
    }

    func destroy() { unsafe rd_kafka_topic_destroy(self.pointer) }
}
