// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import Logging
import MartletCore
import MartletInstruments
import MartletProtocol

/// The reference of the metrics, written from a node that has everything configured.
package enum MetricsReference {
    /// Makes the parts of a node, but starts none of them.
    package static func markdown(logger: Logger) throws -> String {
        var configuration = NodeConfiguration()
        configuration.listen.publicAddress.port = 0
        configuration.redis.urls = ["redis://127.0.0.1:6379"]
        configuration.kafka.brokers = ["127.0.0.1:9092"]
        configuration.kafka.topics = [.init(name: "session-events")]
        configuration.kafka.topics[0].deadLetter = "dead-letters"
        configuration.receivers.securityEvents.isEnabled = true
        configuration.receivers.logout.isEnabled = true
        configuration.validation.kind = .http
        configuration.validation.url = "http://127.0.0.1/validate"
        for method in ProxyMethod.allCases { configuration.proxy[method].url = "http://127.0.0.1/\(method.rawValue)" }
        let full = try NodeRuntime(configuration, logger: logger)
        _ = full.services
        var durable = NodeConfiguration.withPort(0)
        durable.redis.urls = configuration.redis.urls
        let unlogged = try NodeRuntime(durable, logger: logger)
        let alone = try NodeRuntime(
            NodeConfiguration.withPort(0), logger: logger)
        let known = Dictionary(
            (full.metrics.descriptions + unlogged.metrics.descriptions + alone.metrics.descriptions).map {
                ($0.name, $0)
            },
            uniquingKeysWith: { first, _ in first })
        return Self.head
            + known.values.sorted { $0.name < $1.name }
            .map { "| `\($0.name)` | \($0.kind.rawValue) | \($0.help) | \(Self.labels($0)) |\n" }.joined()
    }

    /// Labels whose values are not Martlet's.
    private static let foreign: Set<String> = ["topic", "version"]

    private static func labels(_ metric: MetricsRegistry.Description) -> String {
        metric.labels.map { label in
            let values = Self.foreign.contains(label.name) ? [] : label.values.sorted().map { "`\($0)`" }
            return "`\(label.name)`" + (values.isEmpty ? "" : ": ") + values.joined(separator: ", ")
        }.joined(separator: "; ")
    }

    private static let head = """
        # Metrics

        What `/metrics` of the internal listener exposes, in Prometheus' text format. Times are in seconds, sizes in bytes.
        No label's values are users, sessions or channels. **Scale on `martlet_open_connections`**: neither CPU nor memory
        nor request rate says how full an edge of idle sockets is.

        Worth an alert: `martlet_push_healthy` 0, `martlet_missed_push_total` growing (the event path is broken and asking
        covers for it), `martlet_revocation_floor_seconds` above 0, `martlet_validation_overdue_sessions` growing,
        `martlet_connections_utilization_ratio` near 1, `martlet_redis_connected` 0.

        Some metrics exist only where their part is configured (Redis, Kafka, validation).

        | name | kind | meaning | labels |
        | --- | --- | --- | --- |

        """
}

extension NodeConfiguration {
    fileprivate static func withPort(_ port: UInt16) -> NodeConfiguration {
        var configuration = NodeConfiguration()
        configuration.listen.publicAddress.port = port
        return configuration
    }
}
