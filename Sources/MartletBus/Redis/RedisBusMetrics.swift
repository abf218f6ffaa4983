// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletInstruments

/// What the Redis bus counts.
struct RedisBusMetrics: Sendable {
    enum Connection: String, CaseIterable, Sendable {
        case commands, subscriber
    }

    enum DropReason: String, CaseIterable, Sendable {
        /// No shard wants the channel any more.
        case noInterest = "no_interest"
        case malformedEnvelope = "malformed_envelope"
        case unknownVersion = "unknown_version"
        /// Another service published what is neither JSON nor text.
        case payload
        case tooLarge = "too_large"
    }

    enum PublishFailure: String, CaseIterable, Sendable {
        case unavailable, unconfirmed, overloaded, refused
    }

    private let connected: [Connection: Gauge]
    private let reconnects: [Connection: Counter]
    private let dropped: [DropReason: Counter]
    private let failed: [PublishFailure: Counter]
    let published: Counter
    let received: Counter
    let probeSeconds: Histogram
    let probesLost: Counter
    let channels: Gauge
    let historyReads: Counter
    let presenceEntries: Gauge
    let presenceRestores: Counter
    let presenceRefusals: Counter
    private let readsFailed: [PublishFailure: Counter]

    init(_ registry: MetricsRegistry) {
        self.connected = Self.each { connection in
            registry.gauge(
                "martlet_redis_connected", "Whether the connection to Redis stands.",
                labels: [("connection", connection.rawValue)])
        }
        self.reconnects = Self.each { connection in
            registry.counter(
                "martlet_redis_reconnects_total", "Connections to Redis that ended and are made again.",
                labels: [("connection", connection.rawValue)])
        }
        self.dropped = Self.each { reason in
            registry.counter(
                "martlet_redis_dropped_total", "Messages from Redis that no shard was given.",
                labels: [("reason", reason.rawValue)])
        }
        self.failed = Self.each { reason in
            registry.counter(
                "martlet_redis_publish_failures_total", "Messages that Redis did not confirm.",
                labels: [("reason", reason.rawValue)])
        }
        self.published = registry.counter("martlet_redis_published_total", "Messages that Redis confirmed.")
        self.received = registry.counter("martlet_redis_received_total", "Messages that came from Redis.")
        self.probeSeconds = registry.histogram(
            "martlet_redis_probe_seconds", "Time from publishing a probe to its return.")
        self.probesLost = registry.counter(
            "martlet_redis_probes_lost_total", "Probes that Redis confirmed and that did not return in time.")
        self.channels = registry.gauge("martlet_redis_channels", "Channels that are subscribed or lingering.")
        self.historyReads = registry.counter(
            "martlet_redis_history_reads_total", "Reads of a channel's history that Redis answered.")
        self.presenceEntries = registry.gauge(
            "martlet_redis_presence_entries", "Connections of this node that are in a channel with presence.")
        self.presenceRestores = registry.counter(
            "martlet_redis_presence_restores_total", "Times when all presence of this node was written again.")
        self.presenceRefusals = registry.counter(
            "martlet_redis_presence_refusals_total", "Commands for presence that Redis refused and that are repeated.")
        self.readsFailed = Self.each { reason in
            registry.counter(
                "martlet_redis_read_failures_total", "Reads of history or presence that Redis did not answer.",
                labels: [("reason", reason.rawValue)])
        }
    }

    func opened(_ connection: Connection) { self.connected[connection]?.set(1) }

    func closed(_ connection: Connection, wasOpen: Bool) {
        self.connected[connection]?.set(0)
        if wasOpen { self.reconnects[connection]?.add() }
    }

    func dropped(_ reason: DropReason) { self.dropped[reason]?.add() }
    func failed(_ reason: PublishFailure) { self.failed[reason]?.add() }
    func readFailed(_ reason: PublishFailure) { self.readsFailed[reason]?.add() }

    private static func each<Key: CaseIterable & Hashable, Metric>(_ make: (Key) -> Metric) -> [Key: Metric] {
        Dictionary(uniqueKeysWithValues: Key.allCases.map { ($0, make($0)) })
    }
}
