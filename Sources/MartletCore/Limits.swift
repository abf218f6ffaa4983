// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The bounds of a node: every queue, table and message has one, and each has a name in the configuration.
package struct Limits: Sendable {
    /// Longest `sub`, `sid`, `jti` or claim value, in bytes. Not configurable: it bounds the packing of an `Identity`.
    package static let claimBytesMax = 16_000

    /// Open connections of the node; nil means: as many as descriptors allow, less 256.
    package var connectionsMax: Int?
    /// New connections a second of the node; nil means no limit.
    package var connectsPerSecond: Double?
    /// Connections of one address (IPv6: one /64); nil means no limit.
    package var connectionsPerAddressMax: Int?
    /// Connections of one user on this node; nil means no limit.
    package var connectionsPerUserMax: Int?
    /// Bytes of a request head.
    package var headBytesMax = 16_384
    /// Time for a request head to arrive, and for a first command to follow it.
    package var handshakeDeadline: Duration = .seconds(10)
    /// Bytes of an inbound message: of a WebSocket, or the body of a request.
    package var messageBytesMax = 65_536
    /// Bytes of a published payload over the API or the bus.
    package var publicationBytesMax = 1_048_576
    /// Bytes of the payloads of which patches are made for subscribers that take them: it bounds the time it takes.
    package var deltaBytesMax = 131_072
    /// Subscriptions of one connection.
    package var subscriptionsMax = 128
    /// Channels of one `/events` request.
    package var eventChannelsMax = 32
    /// Bytes of a channel's name.
    package var channelBytesMax = 255
    /// Commands of one connection a second, and the burst above it.
    package var commandsPerSecond: Double = 100
    package var commandsBurst: Double = 400
    /// Bytes that the kernel refused and that wait for one connection, before it counts as slow.
    package var pendingBytesMax = 1_048_576
    /// Bytes that wait for all connections of the node together.
    package var pendingBytesTotalMax = 268_435_456
    /// Channels with at least one subscriber on this node.
    package var channelsMax = 1_000_000
    /// Remembered revocations.
    package var revocationsMax = 10_000_000
    /// Channels whose stream the memory bus keeps, and what all of it may take; those used least lately go first.
    package var historyStreamsMax = 1_000_000
    package var historyBytesMax = 268_435_456
    /// Idempotency keys that the memory bus remembers.
    package var idempotencyKeysMax = 100_000
    /// Messages waiting in a shard's mailbox.
    package var mailboxMax = 65_536
    package var pingInterval: Duration = .seconds(25)
    package var pongTimeout: Duration = .seconds(8)
    /// Time between comments on an event stream.
    package var commentInterval: Duration = .seconds(15)
    /// Time after a token's expiry before its connection is closed.
    package var expiryGrace: Duration = .seconds(25)

    package init() {}

    /// Bytes that may have come from a connection and still be incomplete: a head and its body, or a frame.
    package var inputBytesMax: Int { self.headBytesMax + self.messageBytesMax + 64 }
}
