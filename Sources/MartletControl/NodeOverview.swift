// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What the console shows of a node: sizes as they are now, and counters from which the page computes rates.
package struct NodeOverview: Sendable, Encodable {
    /// Open connections of one transport and protocol.
    package struct Connections: Sendable, Encodable {
        /// `websocket` or `event_stream`.
        package var transport: String
        /// `jsonrpc`, `centrifuge_json` or `events`, as in the metric's label.
        package var `protocol`: String
        package var open: Int

        package init(transport: String, protocol: String, open: Int) {
            self.transport = transport
            self.protocol = `protocol`
            self.open = open
        }
    }

    package struct Channel: Sendable, Encodable {
        package var name: String
        package var subscribers: Int

        package init(name: String, subscribers: Int) {
            self.name = name
            self.subscribers = subscribers
        }
    }

    /// Totals since the node started.
    package struct Counters: Sendable, Encodable {
        package var opened = 0
        package var closed = 0
        package var refused = 0
        package var publications = 0
        package var deliveries = 0
        /// Invalidations that were taken, from any source.
        package var invalidations = 0
        /// Connections closed because of one.
        package var revokedConnections = 0

        package init() {}
    }

    /// Time from an invalidation's event to the close of its connections, in seconds; nil before the first.
    package struct Lag: Sendable, Encodable {
        package var median: Double?
        package var p99: Double?

        package init(median: Double? = nil, p99: Double? = nil) {
            self.median = median
            self.p99 = p99
        }
    }

    package var name: String
    package var version: String
    /// Seconds since the node started.
    package var uptime: Double
    /// What carries publications between nodes: `memory` or `redis`.
    package var bus: String
    package var readiness: Readiness
    package var capacity: Int
    package var connections: [Connections]
    package var channels: Int
    package var subscriptions: Int
    /// The channels with the most subscribers on this node, most first.
    package var topChannels: [Channel]
    /// Revocations that are remembered.
    package var revocations: Int
    package var counters: Counters
    package var revocationLag: Lag

    package init(
        name: String, version: String, uptime: Double, bus: String, readiness: Readiness, capacity: Int,
        connections: [Connections], channels: Int, subscriptions: Int, topChannels: [Channel], revocations: Int,
        counters: Counters, revocationLag: Lag
    ) {
        self.name = name
        self.version = version
        self.uptime = uptime
        self.bus = bus
        self.readiness = readiness
        self.capacity = capacity
        self.connections = connections
        self.channels = channels
        self.subscriptions = subscriptions
        self.topChannels = topChannels
        self.revocations = revocations
        self.counters = counters
        self.revocationLag = revocationLag
    }
}
