// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Where the brokers put a record, once all in-sync replicas have it.
package struct KafkaReceipt: Sendable, Hashable {
    package var topic: String
    package var partition: Int32
    /// Nil in the rare case that the acknowledgement was lost and a repetition found the record already there.
    package var offset: Int64?

    package init(topic: String, partition: Int32, offset: Int64?) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
    }
}
