// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletWire

/// What the edge knows of one connection: a small record, found by its slot. What few connections need, and only for
/// a while, is in `EdgeExtras`.
struct EdgeConnection {
    enum Stage: UInt8 {
        case free
        /// Waiting for the PROXY protocol header.
        case proxyHeader
        /// Waiting for the head of a request.
        case head
        /// Waiting for the body that a request announced; its head is kept.
        case body
        /// The request was sent to another node, whose answer is awaited.
        case relaying
        /// A WebSocket, past its handshake.
        case webSocket
        /// A response that does not end, past its head.
        case stream
        /// A goodbye waits for its time.
        case parting
        /// A WebSocket whose close frame was sent; nothing but its peer's is looked at.
        case closing
        /// Goodbye was said; what still comes is not looked at.
        case ending
    }

    struct Flags: OptionSet {
        var rawValue: UInt16

        /// Registered in the shard under an identity.
        static let connected = Flags(rawValue: 1 << 0)
        static let awaitsPong = Flags(rawValue: 1 << 1)
        /// Pings are WebSocket frames, not messages of the protocol.
        static let nativePing = Flags(rawValue: 1 << 2)
        /// Holds one of the node's places.
        static let placed = Flags(rawValue: 1 << 8)
        /// Counted by its user as well.
        static let userPlaced = Flags(rawValue: 1 << 9)
        /// Counted in `martlet_open_connections`.
        static let admitted = Flags(rawValue: 1 << 3)
        static let hasExtras = Flags(rawValue: 1 << 4)
        /// Known to the roster of sessions to validate.
        static let rostered = Flags(rawValue: 1 << 5)
        /// A connect was answered with an error: whatever follows is abuse.
        static let refused = Flags(rawValue: 1 << 6)
        /// An event stream of several channels.
        static let ownIDs = Flags(rawValue: 1 << 15)
        static let chunked = Flags(rawValue: 1 << 7)
        /// A request was answered and another may follow.
        static let keptAlive = Flags(rawValue: 1 << 10)
        /// Its connect, or its request, waits for something, and what follows with it.
        static let waits = Flags(rawValue: 1 << 11)
        /// The body of the request that is being answered was read: another request follows it.
        static let bodyRead = Flags(rawValue: 1 << 14)
    }

    var stage = Stage.free
    var kind = EdgeProtocol.centrifuge
    var flags: Flags = []
    var reason = CloseReason.peerClosed
    var decoder = WebSocketDecoder()
    /// Bytes of an incomplete request head that were looked at; of a body, bytes up to its end.
    var scanned: UInt32 = 0
    /// When the next ping (or comment) is due, in the shard's 100 ms ticks.
    var pingTick: UInt32 = 0
    /// When the identity ends, in the same ticks; zero for never.
    var expiryTick: UInt32 = 0
    /// Commands that may still come at once, and when that was last computed.
    var commandCredit: Float = 0
    var commandTick: UInt32 = 0

    /// How messages leave.
    var format: WireFormat {
        self.kind.format(isChunked: self.flags.contains(.chunked), hasOwnIDs: self.flags.contains(.ownIDs))
    }
    /// Past its request, and not yet ending.
    var isOpen: Bool { self.stage == .webSocket || self.stage == .stream }
    /// Kept alive after a request, and nothing of the next has come.
    var isIdleRequest: Bool { self.stage == .head && self.flags.contains(.keptAlive) && self.scanned == 0 }
}
