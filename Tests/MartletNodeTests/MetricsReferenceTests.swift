// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Testing

@testable import MartletNode

@Suite("The reference of the metrics")
struct MetricsReferenceTests {
    /// What dashboards and autoscalers are promised.
    static let promised = [
        "martlet_open_connections", "martlet_connections", "martlet_connections_capacity",
        "martlet_connections_utilization_ratio", "martlet_connections_opened_total",
        "martlet_connections_closed_total", "martlet_connections_refused_total", "martlet_revocation_lag_seconds",
        "martlet_revocations", "martlet_invalidations_total", "martlet_kafka_lag_records", "martlet_push_healthy",
        "martlet_validations_total", "martlet_validation_overdue_sessions", "martlet_missed_push_total",
        "martlet_publications_total", "martlet_deliveries_total", "martlet_delivery_lag_seconds",
        "martlet_outbound_pending_bytes", "martlet_slow_consumers_total", "martlet_channels",
        "martlet_subscriptions", "martlet_node_state", "process_resident_memory_bytes",
    ]

    @Test("Docs/Metrics.md is what the code registers, and the promised names are among it")
    func document() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appendingPathComponent("Docs/Metrics.md")
        let markdown = try MetricsReference.markdown(
            logger: Logger(label: "reference") { _ in SwiftLogNoOpLogHandler() })
        for name in Self.promised { #expect(markdown.contains("| `\(name)` |"), "\(name)") }
        if ProcessInfo.processInfo.environment["WRITE_REFERENCES"] != nil {
            try markdown.write(to: file, atomically: true, encoding: .utf8)
        }
        let document = try? String(contentsOf: file, encoding: .utf8)
        #expect(document == markdown, "run: WRITE_REFERENCES=1 swift test --filter MetricsReferenceTests")
    }
}
