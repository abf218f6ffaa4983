// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletBus
import MartletCore
import MartletHub

/// The bounds of streams and of presence.
extension NodeConfiguration {
    private static func key<Value>(
        _ name: String, _ path: Key.Path<Value>, _ codec: ConfigurationCodec<Value>, _ summary: String
    ) -> Key {
        .value(name, path, codec, in: NodeConfiguration(), summary)
    }

    static let streamKeys: [Key] = [
        Self.key(
            "streams.recovery_publications_max", \.streams.recoveryPublicationsMax, .integer(1...10_000),
            "Publications that a client which comes back is given at most; who missed more is told of a gap."),
        Self.key(
            "streams.recovery_bytes_max", \.streams.recoveryBytesMax, .bytes(1_024...1_073_741_824),
            "Bytes of their payloads, likewise. Above `limits.pending_bytes_max` a client would end as slow, to come "
                + "back for the same."),
        Self.key(
            "streams.position_check_interval", \.streams.checkInterval,
            .zeroOrDuration(from: .seconds(1)),
            "Time between comparisons of a quiet channel's position with its stream's, 1s or more; 0s for never. A "
                + "namespace may say otherwise by `position_check`."),
        Self.key(
            "streams.checks_max", \.streams.queuedChecksMax, .integer(1...1_000_000),
            "Such comparisons that wait for others in one reactor thread."),
        Self.key(
            "streams.reads_max", \.streams.readsMax, .integer(1...65_536),
            "Reads of streams under way in one reactor thread; others wait."),
        Self.key(
            "streams.read_bytes_max", \.streamReadBytesMax, .bytes(65_536...1_073_741_824),
            "Bytes that one reading of history or presence may bring from Redis."),
        Self.key(
            "streams.read_failures_max", \.streams.readFailuresMax, .integer(1...1_000),
            "Failed reads of a stream in a row, after which its subscribers are told that their place is lost."),
        Self.key(
            "streams.retry_base", \.streams.retryBase, .duration(from: .milliseconds(10)),
            "Time before a failed read is tried again; doubled with each failure."),
        Self.key(
            "streams.retry_ceiling", \.streams.retryCeiling, .duration(from: .milliseconds(10)),
            "The most that it is doubled to."),
        Self.key(
            "streams.held_publications_max", \.streams.heldPublicationsMax, .integer(1...1_000_000),
            "Publications that one channel of a reactor thread holds back while what precedes them is read."),
        Self.key(
            "streams.held_bytes_max", \.streams.heldBytesMax, .bytes(1_024...1_073_741_824),
            "Bytes of their payloads, likewise; beyond either they are read again."),
        Self.key(
            "streams.tail_bytes_max", \.streams.tailBytesMax, .bytes(0...1_073_741_824),
            "Bytes of publications that one channel of a reactor thread keeps for clients that come back together."),
        Self.key(
            "streams.tail_lifetime", \.streams.tailLifetime, .duration(from: .milliseconds(100)),
            "How long it keeps them."),
        Self.key(
            "streams.losses_per_tick_max", \.streams.lossesPerTickMax, .integer(1...1_000_000),
            "Subscriptions of a reactor thread that are told in 100 ms that their place is lost, because each comes back "
                + "at once."),
    ]

    static let presenceKeys: [Key] = [
        Self.key(
            "presence.lease_ttl", \.presence.leaseTTL, .duration(from: .seconds(1)),
            "How long the presence of a node that died is believed. Takes Redis."),
        Self.key(
            "presence.lease_interval", \.presence.leaseInterval, .duration(from: .milliseconds(100)),
            "How often a node says that it lives; at most half of `presence.lease_ttl`."),
        Self.key(
            "presence.channel_ttl", \.presence.channelTTL, .duration(from: .seconds(10)),
            "How long a channel's presence that nobody keeps or looks at stays in Redis."),
        Self.key(
            "presence.commands_per_tick", \.presence.commandsPerTick, .integer(1...100_000),
            "Commands in 100 ms by which a node writes its presence again after Redis was away."),
        Self.key(
            "presence.fields_max", \.presence.fieldsMax, .integer(1...10_000), "Entries of presence in one command."),
        Self.key(
            "presence.waiting_max", \.presence.waitingMax, .integer(1...16_777_216),
            "Entries that wait for Redis; beyond it all are written again when it is back."),
    ]
}
