// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletWire

/// What a connection needs only while something unusual goes on.
final class EdgeExtras {
    /// The message whose fragments are arriving.
    var assembler: WebSocketAssembler?
    /// The connect that is not answered yet.
    var connect: PendingConnect?
    /// Messages that wait for its answer.
    var pending: [[UInt8]] = []
    /// Whether keys were waited for already, so that it is not done twice.
    var waitedForKeys = false
    /// Whether its request was let in once already, and waits to be read again.
    var isLetIn = false
    /// What the authority over sessions was asked before it came in.
    var question: EdgeShard.AuthorityQuestion?
    /// The token that came with the request of a WebSocket, until it is used.
    var token: String?
    /// Who is counted for the limit per address.
    var address: PeerAddress?
    /// What a connection is told when its goodbye comes.
    var goodbye: CloseNotice?
    /// How a request is answered whose commands went to another node.
    var relayed: EdgeShard.RelayedRequest?
    /// JSON-RPC requests that wait for the bus, by ticket.
    var tickets: [UInt32: EdgeShard.RPCAnswer] = [:]

    /// An event stream whose channels are not all there yet.
    var events: EventsBeginning?
    /// What is particular about some of its subscriptions, by channel.
    var subscriptions: [String: EdgeSubscription] = [:]

    /// Lines of its request that go on to the back-end with every question.
    var lines: [(name: String, value: String)] = []
    /// What it asked the back-end, by ticket.
    var questions: [UInt32: ProxyQuestion] = [:]

    var isIdle: Bool {
        self.assembler == nil && self.pending.isEmpty && self.token == nil && self.address == nil
            && self.tickets.isEmpty && self.connect == nil && self.subscriptions.isEmpty && self.events == nil
            && self.question == nil && self.goodbye == nil && self.relayed == nil && self.lines.isEmpty
            && self.questions.isEmpty && !self.isLetIn
    }
}
