// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

extension NodeConfiguration {
    static let limitKeys: [Key] =
        Self.connectionLimitKeys.map(\.live) + Self.messageLimitKeys + Self.tableLimitKeys

    private static func limit<Value>(
        _ name: String, _ path: Key.Path<Value>, _ codec: ConfigurationCodec<Value>, _ summary: String
    ) -> Key {
        .value("limits." + name, path, codec, in: NodeConfiguration(), summary)
    }

    private static let connectionLimitKeys: [Key] = [
        .optional(
            "limits.connections_max", \.limits.connectionsMax, .integer(1...Int.max),
            absent: "the descriptor limit less 256",
            "Open connections of the node; it never takes more than the descriptor limit less 256, and warns of that."),
        .optional(
            "limits.connects_per_second", \.limits.connectsPerSecond, .positive, absent: "no limit",
            "New connections of the node a second."),
        .optional(
            "limits.connections_per_address_max", \.limits.connectionsPerAddressMax, .integer(1...Int.max),
            absent: "no limit", "Connections of one address (IPv6: of one /64)."),
        .optional(
            "limits.connections_per_user_max", \.limits.connectionsPerUserMax, .integer(1...Int.max),
            absent: "no limit", "Connections of one user on the node."),
        Self.limit(
            "handshake_deadline", \.limits.handshakeDeadline, .duration(from: .milliseconds(100)),
            "Time for a request's head to arrive, and for a first command to follow it."),
        Self.limit(
            "ping_interval", \.limits.pingInterval, .duration(from: .seconds(1)), "Time between pings of a WebSocket."),
        Self.limit(
            "pong_timeout", \.limits.pongTimeout, .duration(from: .milliseconds(100)), "Time for its answer."),
        Self.limit(
            "comment_interval", \.limits.commentInterval, .duration(from: .seconds(1)),
            "Time between the comments that keep an event stream open."),
        Self.limit(
            "expiry_grace", \.limits.expiryGrace, .duration(),
            "Time after a token's expiry before its connection is closed."),
    ]

    private static let messageLimitKeys: [Key] = [
        Self.limit("head_bytes_max", \.limits.headBytesMax, .bytes(1024...16_777_216), "Bytes of a request's head."),
        Self.limit(
            "message_bytes_max", \.limits.messageBytesMax, .bytes(125...1_073_741_824),
            "Bytes of a message from a client: of a WebSocket, or the body of a request."),
        Self.limit(
            "publication_bytes_max", \.limits.publicationBytesMax, .bytes(1...1_073_741_824),
            "Bytes of a payload published over the API or Redis."),
        Self.limit(
            "delta_bytes_max", \.limits.deltaBytesMax, .bytes(64...1_048_576),
            "Bytes of a payload, beyond which no patches are made of it: at 1MiB, the most, one takes its reactor thread "
                + "some 20 ms, in which that does nothing else."
        ).live,
        Self.limit(
            "channel_bytes_max", \.limits.channelBytesMax, .integer(1...4096), "Bytes of a channel's name."
        ).live,
        Self.limit(
            "commands_per_second", \.limits.commandsPerSecond, .positive, "Commands of one connection a second."
        ).live,
        Self.limit("commands_burst", \.limits.commandsBurst, .positive, "Commands it may send at once.").live,
        Self.limit(
            "pending_bytes_max", \.limits.pendingBytesMax, .bytes(1024...Int.max),
            "Unsent bytes of one connection, beyond which it counts as slow."),
        Self.limit(
            "pending_bytes_total_max", \.limits.pendingBytesTotalMax, .bytes(1024...Int.max),
            "Unsent bytes of all connections together."),
    ]

    private static let tableLimitKeys: [Key] = [
        Self.limit(
            "subscriptions_max", \.limits.subscriptionsMax, .integer(1...1_000_000), "Subscriptions of one connection."
        ).live,
        Self.limit(
            "event_channels_max", \.limits.eventChannelsMax, .integer(1...32), "Channels of one `/events` request."
        ).live,
        Self.limit(
            "channels_max", \.limits.channelsMax, .integer(1...Int.max),
            "Channels that have a subscriber on the node."
        ).live,
        Self.limit(
            "revocations_max", \.limits.revocationsMax, .integer(1...1_000_000_000),
            "Remembered revocations. Beyond it the oldest go, and tokens as old as those need a validation."),
        Self.limit(
            "history_streams_max", \.limits.historyStreamsMax, .integer(1...Int.max),
            "Channels whose history is kept without Redis. Beyond it those go that were used least lately."),
        Self.limit(
            "history_bytes_max", \.limits.historyBytesMax, .bytes(65_536...Int.max),
            "What all history takes in memory without Redis, likewise."),
        Self.limit(
            "idempotency_keys_max", \.limits.idempotencyKeysMax, .integer(1...Int.max),
            "Idempotency keys that are remembered without Redis."),
        Self.limit(
            "mailbox_max", \.limits.mailboxMax, .integer(64...16_777_216), "Messages that wait for one reactor thread."),
    ]
}
