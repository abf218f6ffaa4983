// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletInstruments

/// What a consumer counts; by topic in the configuration's order.
struct KafkaConsumerMetrics: Sendable {
    let records: [Counter]
    let lag: [Gauge]
    let partitions: [Gauge]
    let truncations: [Counter]
    let errors: [KafkaError.Code: Counter]
    let healthy: Gauge

    init(topics: [String], registry: MetricsRegistry) {
        self.records = topics.map {
            registry.counter("martlet_kafka_records_total", "Records read.", labels: [("topic", $0)])
        }
        self.lag = topics.map {
            registry.gauge("martlet_kafka_lag_records", "Records not yet read.", labels: [("topic", $0)])
        }
        self.partitions = topics.map {
            registry.gauge("martlet_kafka_partitions", "Partitions that are read.", labels: [("topic", $0)])
        }
        self.truncations = topics.map {
            registry.counter(
                "martlet_kafka_truncations_total", "Times that records were dropped before they could be read.",
                labels: [("topic", $0)])
        }
        self.errors = Self.errors(client: "consumer", registry: registry)
        self.healthy = registry.gauge(
            "martlet_push_healthy", "Whether events that end sessions reach this node.")
    }

    static func errors(client: String, registry: MetricsRegistry) -> [KafkaError.Code: Counter] {
        var errors: [KafkaError.Code: Counter] = [:]
        for code in KafkaError.Code.allCases {
            errors[code] = registry.counter(
                "martlet_kafka_errors_total", "Errors of the Kafka clients.",
                labels: [("client", client), ("code", code.rawValue)])
        }
        return errors
    }
}
