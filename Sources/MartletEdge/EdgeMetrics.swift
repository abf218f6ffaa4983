// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
package import MartletInstruments

/// What the edge counts.
package final class EdgeMetrics: Sendable {
    /// The number to scale on: WebSockets and event streams that were admitted and have not ended.
    package let open: Gauge
    package let opened: Counter
    private let byProtocol: [Gauge]
    private let closed: [CloseReason: Counter]
    private let refused: [String: Counter]
    private let refusedOtherwise: Counter
    package let commands: Counter
    package let slow: Counter
    package let dropped: Counter
    package let unannounced: Counter

    package init(_ registry: MetricsRegistry) {
        self.open = registry.gauge(
            "martlet_open_connections", "Open WebSocket and event-stream connections of this node.")
        self.opened = registry.counter(
            "martlet_connections_opened_total", "Connections that were admitted since the node started.")
        self.byProtocol = EdgeProtocol.allCases.map {
            registry.gauge(
                "martlet_connections", "Open connections by transport and protocol.",
                labels: [("transport", $0.transport.rawValue), ("protocol", $0.label)])
        }
        self.closed = Dictionary(
            uniqueKeysWithValues: CloseReason.allCases.map {
                (
                    $0,
                    registry.counter(
                        "martlet_connections_closed_total", "Connections that ended, by reason.",
                        labels: [("reason", $0.rawValue)])
                )
            })
        self.refused = Dictionary(
            uniqueKeysWithValues: Self.refusals.map {
                (
                    $0,
                    registry.counter(
                        "martlet_connections_refused_total", "Requests that were refused, by reason.",
                        labels: [("reason", $0)])
                )
            })
        self.refusedOtherwise = registry.counter(
            "martlet_connections_refused_total", "Requests that were refused, by reason.",
            labels: [("reason", "other")])
        self.commands = registry.counter("martlet_commands_total", "Commands of clients, of any protocol.")
        self.dropped = registry.counter(
            "martlet_deliveries_dropped_total",
            "Messages dropped for connections that did not take them, as their channels would have it.")
        self.unannounced = registry.counter(
            "martlet_announcements_dropped_total",
            "Joins and leaves that were not told, because more came than may leave at once.")
        self.slow = registry.counter(
            "martlet_slow_consumers_total", "Connections ended because they did not take what was sent to them.")
    }

    /// The reasons for refusing that a label tells apart.
    static let refusals = [
        "capacity", "rate", "address", "user", "draining", "not_ready", "validation_unavailable", "unauthorized",
        "revoked", "origin",
        "permission", "bad_request", "not_found",
    ]

    package var openByProtocol: [(transport: String, protocol: String, open: Int)] {
        EdgeProtocol.allCases.map { ($0.transport.rawValue, $0.label, self.gauge($0).current) }
    }

    package var closedTotal: Int { self.closed.values.reduce(0) { $0 + $1.total } }
    package var refusedTotal: Int { self.refused.values.reduce(self.refusedOtherwise.total) { $0 + $1.total } }

    func gauge(_ kind: EdgeProtocol) -> Gauge { self.byProtocol[Int(kind.rawValue)] }
    func countClosed(_ reason: CloseReason) { self.closed[reason]?.add() }
    func countRefused(_ reason: String) { (self.refused[reason] ?? self.refusedOtherwise).add() }
}
