// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What went wrong between Martlet and Kafka.
package struct KafkaError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The raw value is the metric label.
    package enum Code: String, Sendable, Hashable, CaseIterable {
        /// A property, a topic's name or the list of brokers is not acceptable.
        case configuration
        /// The brokers do not know the topic, or the partition.
        case unknownTopic = "unknown_topic"
        /// No broker that could answer was reached.
        case unavailable
        case timedOut = "timed_out"
        /// The credentials or access rights do not suffice.
        case unauthorized
        /// Too much is in flight; nothing was sent.
        case full
        /// The consumer or producer is stopping.
        case stopped
        /// The producer's instance cannot go on and is replaced.
        case fatal
        /// Anything else; `name` says what.
        case refused
    }

    package var code: Code
    /// The name that librdkafka gives the error, such as `_TRANSPORT`; empty for our own.
    package var name: String
    package var text: String

    package init(_ code: Code, name: String = "", _ text: String) {
        self.code = code
        self.name = name
        self.text = text
    }

    /// Whether it only says that a connection ended, which another error may explain.
    var isConsequence: Bool { self.name == "_TRANSPORT" || self.name == "_ALL_BROKERS_DOWN" }

    package var description: String { self.name.isEmpty ? self.text : "\(self.text) (\(self.name))" }
}
