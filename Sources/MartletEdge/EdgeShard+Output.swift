// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import MartletReactor
import MartletWire

/// What leaves on a connection of the Centrifuge protocol, whatever it is encoded in and carried by.
extension EdgeShard {
    func reply(_ slot: Int32, _ reply: CentrifugeReply, id: UInt32) {
        self.reactor.send(WebSocketFrame.encode(.text, payload: CentrifugeJSON.encode(reply, id: id)), to: slot)
    }

    func push(_ slot: Int32, _ push: CentrifugePush) {
        self.reactor.send(WebSocketFrame.encode(.text, payload: CentrifugeJSON.encode(push)), to: slot)
    }

    /// Says goodbye in the connection's protocol and finishes it.
    func end(_ slot: Int32, _ notice: CloseNotice) {
        switch self.connections[Int(slot)].stage {
        case .webSocket: self.endWebSocket(slot, notice)
        case .eventStream: self.endEvents(slot, notice)
        case .free, .proxyHeader, .head, .ending: break
        }
    }
}
