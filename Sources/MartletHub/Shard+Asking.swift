// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore
import MartletReactor

/// What connections have the bus do.
extension Shard {
    /// Asks the bus, or whoever else takes his time; `ShardEdge.completed` tells the outcome with this ticket, if the
    /// connection is still there.
    package func ask(
        _ slot: Int32, ticket: UInt32, _ question: (any Bus, @escaping @Sendable (Completion) -> Void) -> Void
    ) {
        let (id, mailbox) = (self.reactor.id(of: slot), self.mailbox)
        // The control lane, because an answer must not be lost where the data lane is full.
        question(self.bus) { mailbox.post(control: .completed(id, ticket: ticket, $0)) }
    }

    /// Puts a connection into a channel's presence.
    package func enter(_ channel: String, client: String, info: [UInt8]) {
        self.bus.enter(channel, client: client, info: info)
    }

    package func leave(_ channel: String, client: String) { self.bus.leave(channel, client: client) }

    /// Tells a channel of a coming or going. Nobody waits for the outcome: where the bus does not take it, the channel's
    /// presence tells it.
    package func announce(_ publication: Publication) { self.bus.publish(publication, PublishOptions()) { _ in } }
}
