// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletCore
import MartletInstruments
import Testing

@testable import MartletKafka

/// What needs a broker, one test after the other: they count threads and descriptors, and wait for seconds.
@Suite(.serialized, .timeLimit(.minutes(5))) enum RealBrokerTests {
    static func configuration(_ broker: Broker, _ topics: [String] = ["t"]) -> KafkaConfiguration {
        let servers = broker.servers.split(separator: ",").map(String.init)
        var configuration = KafkaConfiguration(brokers: servers, topics: topics)
        configuration.start = .earliest
        configuration.lossMemory = .milliseconds(200)
        // The mock answers a fetch only when the wait is over.
        configuration.fetchWaitMax = .milliseconds(10)
        configuration.observationInterval = .milliseconds(100)
        configuration.silenceMax = .seconds(3)
        configuration.requestTimeout = .seconds(3)
        configuration.metadataInterval = .milliseconds(500)
        configuration.retry = Backoff(base: .milliseconds(20), ceiling: .milliseconds(200))
        configuration.produceTimeout = .seconds(20)
        return configuration
    }

    static func consumer(_ configuration: KafkaConfiguration, _ recorder: Recorder) throws -> KafkaConsumer {
        try KafkaConsumer(
            configuration: configuration, delegate: recorder, metrics: MetricsRegistry(), logger: .quiet)
    }

    static func producer(_ configuration: KafkaConfiguration) throws -> KafkaProducer {
        try KafkaProducer(configuration: configuration, metrics: MetricsRegistry(), logger: .quiet)
    }
}
