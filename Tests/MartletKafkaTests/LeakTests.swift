// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import MartletKafka

extension RealBrokerTests {
    /// What a consumer and a producer take from the process they give back.
    @Suite struct LeakTests {
        /// In a process of its own, as other tests open threads and descriptors meanwhile.
        @Test func nothingIsLeftAfterStop() async {
            await #expect(processExitsWith: .success) {
                let broker = try Broker(brokers: 2, topics: ["t": 4])
                try Kcat.produce((0..<1_000).map { "\($0)" }, to: "t", of: broker)
                try await LeakTests.cycle(broker)
                let threads = try LeakTests.count("task")
                let descriptors = try LeakTests.count("fd")
                for _ in 0..<10 { try await LeakTests.cycle(broker) }
                // The runtime's own threads come and go.
                let areThreadsBack = await eventually { (try? LeakTests.count("task")) ?? .max <= threads + 2 }
                let areDescriptorsBack = await eventually { (try? LeakTests.count("fd")) ?? .max <= descriptors }
                #expect(areThreadsBack)
                #expect(areDescriptorsBack)
            }
        }

        @Test func whatNeverRanIsGivenBack() async throws {
            let broker = try Broker(topics: ["t": 1])
            weak var forgotten: KafkaConsumer?
            do {
                let consumer = try RealBrokerTests.consumer(RealBrokerTests.configuration(broker), Recorder())
                forgotten = consumer
            }
            #expect(forgotten == nil)
        }

        private static func cycle(_ broker: Broker) async throws {
            let configuration = RealBrokerTests.configuration(broker)
            let consumer = try RealBrokerTests.consumer(configuration, Recorder())
            let producer = try RealBrokerTests.producer(configuration)
            consumer.start()
            producer.start()
            #expect(await eventually { consumer.isCaughtUp })
            _ = try await producer.produce(topic: "t", key: nil, value: nil)
            await consumer.stop()
            await producer.stop()
        }

        private static func count(_ kind: String) throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/\(kind)").count
        }
    }
}
