// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a revocation over the API is answered with.
package struct RevokeReceipt: Sendable, Equatable, Encodable {
    /// Where the event was written, where that is a Kafka topic.
    package struct Position: Sendable, Equatable {
        package var topic: String
        package var partition: Int32
        package var offset: Int64

        package init(topic: String, partition: Int32, offset: Int64) {
            self.topic = topic
            self.partition = partition
            self.offset = offset
        }
    }

    private enum CodingKeys: String, CodingKey {
        case id, durable, topic, partition, offset
    }

    package var id: String
    /// Whether it outlives the node: false where it is kept in memory alone.
    package var durable: Bool
    package var position: Position?

    package init(id: String, durable: Bool, position: Position? = nil) {
        self.id = id
        self.durable = durable
        self.position = position
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(self.id, forKey: .id)
        try container.encode(self.durable, forKey: .durable)
        try container.encodeIfPresent(self.position?.topic, forKey: .topic)
        try container.encodeIfPresent(self.position?.partition, forKey: .partition)
        try container.encodeIfPresent(self.position?.offset, forKey: .offset)
    }
}
