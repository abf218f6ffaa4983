// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletWire

/// What a connection needs only while something unusual goes on.
final class EdgeExtras {
    /// The message whose fragments are arriving.
    var assembler: WebSocketAssembler?
    /// A message that waits for keys to verify a token by.
    var pending: [UInt8] = []
    /// Whether keys were waited for already, so that it is not done twice.
    var waitedForKeys = false
    /// The token that came with the request of a WebSocket, until it is used.
    var token: String?
    /// Who is counted for the limit per address.
    var address: PeerAddress?
    /// JSON-RPC requests that wait for the bus, by ticket.
    var tickets: [UInt32: EdgeShard.RPCAnswer] = [:]

    /// An event stream whose channels are not all there yet.
    var events: EventsBeginning?

    var isIdle: Bool {
        self.events == nil && self.assembler == nil && self.pending.isEmpty && self.token == nil && self.address == nil
            && self.tickets.isEmpty
    }
}
