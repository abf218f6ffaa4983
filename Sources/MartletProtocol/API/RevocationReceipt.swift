// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What became of a revocation that the API was asked for.
package struct RevocationReceipt: Equatable, Sendable {
    /// Where a log keeps the event.
    package struct Place: Equatable, Sendable {
        package var topic: String
        package var partition: Int32
        package var offset: Int64

        package init(topic: String, partition: Int32, offset: Int64) {
            self.topic = topic
            self.partition = partition
            self.offset = offset
        }
    }

    package var id: String
    /// Whether nodes that start later will know of it.
    package var isDurable: Bool
    package var place: Place?

    package init(id: String, isDurable: Bool, place: Place? = nil) {
        self.id = id
        self.isDurable = isDurable
        self.place = place
    }

    func write(to writer: inout JSONWriter) {
        writer.member("id", self.id)
        writer.member("durable", self.isDurable)
        guard let place = self.place else { return }
        writer.member("topic", place.topic)
        writer.member("partition", Int64(place.partition))
        writer.member("offset", place.offset)
    }
}
