// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What became of a revocation that the API was asked for.
package struct RevocationReceipt: Equatable, Sendable {
    package var id: String
    /// Whether nodes that start later will know of it.
    package var isDurable: Bool
    /// Where a log keeps the event.
    package var position: EventPosition?

    package init(id: String, isDurable: Bool, position: EventPosition? = nil) {
        self.id = id
        self.isDurable = isDurable
        self.position = position
    }

    /// What the nodes are asked by whether they applied it: its place in the log says that for good, its name only as
    /// long as they remember it.
    package var handle: String { self.position?.description ?? self.id }

    func write(to writer: inout JSONWriter) {
        writer.member("id", self.id)
        writer.member("durable", self.isDurable)
        writer.member("receipt", self.handle)
        switch self.position {
        case .kafka(let topic, let partition, let offset):
            writer.member("topic", topic)
            writer.member("partition", Int64(partition))
            writer.member("offset", offset)
        case .redis(let id): writer.member("stream_id", id.description)
        case nil: break
        }
    }
}
