// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What the consumer and the producer need to know; every field but `brokers` and `topics` has a default.
package struct KafkaConfiguration: Sendable {
    /// Where the first read of every partition begins.
    package enum Start: Sendable, Hashable {
        /// At the first record that is not older than `lookback`.
        case timestamp
        /// At the first record that the topic still has.
        case earliest
    }

    /// `host:port` of some brokers; they name the others.
    package var brokers: [String]
    /// The topics that the consumer reads, all partitions of each. A record names its topic by the index in this array.
    package var topics: [String]
    package var start: Start = .timestamp
    /// How far back events matter. With either start it tells whether a topic has already dropped some that do.
    package var lookback: Duration = .seconds(86_400 + 300)
    package var clientID = "martlet"
    package var security = KafkaSecurity()
    /// Further librdkafka properties, such as `security.protocol`; what the consumer's correctness rests on cannot be
    /// changed by them.
    package var properties: [String: String] = [:]

    /// Longest time without a fetch answer for a partition before push counts as unhealthy.
    package var silenceMax: Duration = .seconds(10)
    /// For how long push counts as unhealthy after records were lost, so that whoever covers for it takes notice.
    package var lossMemory: Duration = .seconds(10)
    /// Records that one partition may be behind before push counts as unhealthy.
    package var lagMax: Int64 = 10_000
    /// How long a broker holds a fetch while there is nothing new. A record that arrives ends the wait at once, so
    /// this sets the idle traffic and not the latency.
    package var fetchWaitMax: Duration = .milliseconds(250)
    /// Bytes of fetched records that may wait for the consumer's thread.
    package var queuedBytesMax = 16_777_216
    /// How often partitions that were added to a topic are looked for.
    package var metadataInterval: Duration = .seconds(10)
    /// How often lag and health are judged.
    package var observationInterval: Duration = .seconds(1)
    /// Longest wait for one answer while positions are looked up.
    package var requestTimeout: Duration = .seconds(2)
    /// Waiting times between attempts to begin reading a topic or a partition.
    package var retry = Backoff(base: .milliseconds(200), ceiling: .seconds(5))

    /// How long the producer waits for company before it sends a record.
    package var linger: Duration = .zero
    /// Longest time from `produce` to the brokers' acknowledgement.
    package var produceTimeout: Duration = .seconds(5)
    /// Records whose acknowledgement is awaited at the same time.
    package var producesInFlightMax = 1_000

    package init(brokers: [String], topics: [String]) {
        self.brokers = brokers
        self.topics = topics
    }

    /// Refuses what could only fail later, and names that metrics could not show.
    func validate() throws(KafkaError) {
        guard !self.brokers.isEmpty else { throw KafkaError(.configuration, "no Kafka brokers are named") }
        guard Set(self.topics).count == self.topics.count else {
            throw KafkaError(.configuration, "a Kafka topic is named twice")
        }
        for topic in self.topics { try Self.validate(topic: topic) }
    }

    /// The broker's own rule for a topic's name.
    static func validate(topic: String) throws(KafkaError) {
        let isLegal = topic.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isLegal, (1...249).contains(topic.utf8.count) else {
            throw KafkaError(.configuration, "not a legal topic name: \(topic.debugDescription)")
        }
    }
}
