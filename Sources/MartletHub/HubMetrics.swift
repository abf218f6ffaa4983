// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletInstruments

/// What the hub counts.
package final class HubMetrics: Sendable {
    package let publications: Counter
    package let unwanted: Counter
    package let overrun: Counter
    package let deliveries: Counter
    package let deliveryLag: Histogram
    package let revocationLag: Histogram
    package let sweepsWaiting: Gauge
    package let channels: Gauge
    package let subscriptions: Gauge
    package let gaps: Counter
    package let recovered: Counter
    package let unrecovered: Counter
    package let streamReads: Counter
    package let streamReadFailures: Counter
    package let positionsLost: Counter
    package let streamsRenewed: Counter

    package init(_ registry: MetricsRegistry) {
        self.publications = registry.counter(
            "martlet_publications_total", "Publications that reached this node's shards, once each per shard.")
        self.unwanted = registry.counter(
            "martlet_publications_dropped_total", "Publications that were not delivered, by reason.",
            labels: [("reason", "no_subscriber")])
        self.overrun = registry.counter(
            "martlet_publications_dropped_total", "Publications that were not delivered, by reason.",
            labels: [("reason", "mailbox_full")])
        self.deliveries = registry.counter(
            "martlet_deliveries_total", "Publications queued to connections, one per subscriber.")
        self.deliveryLag = registry.histogram(
            "martlet_delivery_lag_seconds", "Time from a node taking a publication to its fan-out, per publication.")
        self.revocationLag = registry.histogram(
            "martlet_revocation_lag_seconds", "Time from an invalidation event to the close of a connection it ends.")
        self.sweepsWaiting = registry.gauge(
            "martlet_invalidations_pending",
            "Events for whose connections is still looked, once for each shard that does.")
        self.channels = registry.gauge("martlet_channels", "Channels with a subscriber, once for each shard with one.")
        self.subscriptions = registry.gauge("martlet_subscriptions", "Subscriptions of this node's connections.")
        self.gaps = registry.counter(
            "martlet_gaps_told_total", "Subscribers that were told that messages may have been lost.")
        self.recovered = registry.counter(
            "martlet_recoveries_total", "Subscriptions that asked for what they missed, by outcome.",
            labels: [("outcome", "recovered")])
        self.unrecovered = registry.counter(
            "martlet_recoveries_total", "Subscriptions that asked for what they missed, by outcome.",
            labels: [("outcome", "unrecoverable")])
        self.streamReads = registry.counter(
            "martlet_stream_reads_total", "Reads of channels' streams, to recover, to catch up and to compare.")
        self.streamReadFailures = registry.counter(
            "martlet_stream_reads_failed_total", "Reads of channels' streams that failed.")
        self.positionsLost = registry.counter(
            "martlet_positions_lost_total", "Subscriptions that were ended because their position was lost.")
        self.streamsRenewed = registry.counter(
            "martlet_streams_renewed_total", "Streams found to have gone back, which were given a new epoch.")
    }
}
