// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

extension KafkaConfiguration {
    /// In the order in which they are set: defaults, then what the configuration says, then what must not be otherwise.
    var consumerProperties: [(name: String, value: String)] {
        let defaults = [
            ("fetch.wait.max.ms", "\(self.fetchWaitMax.milliseconds)"),
            ("fetch.min.bytes", "1"),
            ("fetch.error.backoff.ms", "100"),
            // One fetch may exceed what is allowed to wait by this much.
            ("fetch.max.bytes", "8388608"),
            ("queued.max.messages.kbytes", "\(max(1, self.queuedBytesMax / 1024))"),
            // Filled up again long before it runs empty, as replaying must not wait for fetches.
            ("queued.min.messages", "200000"),
        ]
        let invariants = [
            // Losing the position is an event to be told, never a silent jump.
            ("auto.offset.reset", "error"),
            ("enable.partition.eof", "true"),
            ("enable.auto.commit", "false"),
            ("allow.auto.create.topics", "false"),
            ("statistics.interval.ms", "\(max(1, self.observationInterval.milliseconds))"),
        ]
        return self.commonProperties + self.security.properties + defaults + self.sortedProperties + invariants
    }

    var producerProperties: [(name: String, value: String)] {
        let defaults = [("linger.ms", "\(self.linger.milliseconds)")]
        let invariants = [
            ("enable.idempotence", "true"),
            ("acks", "all"),
            ("message.timeout.ms", "\(max(1, self.produceTimeout.milliseconds))"),
        ]
        return self.commonProperties + self.security.properties + defaults + self.sortedProperties + invariants
    }

    private var commonProperties: [(name: String, value: String)] {
        [
            ("bootstrap.servers", self.brokers.joined(separator: ",")),
            ("client.id", self.clientID),
            // Finds added partitions, and topics whose access rights were mended.
            ("topic.metadata.refresh.interval.ms", "\(self.metadataInterval.milliseconds)"),
            // A broker that does not answer is noticed in seconds, and one that is back is found in two.
            ("socket.timeout.ms", "10000"),
            ("socket.connection.setup.timeout.ms", "5000"),
            ("socket.keepalive.enable", "true"),
            ("socket.nagle.disable", "true"),
            ("reconnect.backoff.ms", "100"),
            ("reconnect.backoff.max.ms", "2000"),
        ]
    }

    private var sortedProperties: [(name: String, value: String)] {
        self.properties.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    }
}
