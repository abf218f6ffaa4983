// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletInstruments
import Synchronization
import Testing

@testable import MartletKafka

extension RealBrokerTests {
    @Suite struct KafkaProducerTests {
        @Test func aReceiptSaysWhereTheRecordIs() async throws {
            let broker = try Broker(topics: ["t": 1])
            let producer = try RealBrokerTests.producer(RealBrokerTests.configuration(broker))
            producer.start()
            let first = try await producer.produce(topic: "t", key: Array("k".utf8), value: Array("v".utf8))
            #expect(first == KafkaReceipt(topic: "t", partition: 0, offset: 0))
            #expect(try await producer.produce(topic: "t", key: nil, value: nil).offset == 1)
            #expect(try await producer.produce(topic: "t", key: [], value: []).offset == 2)
            await producer.stop()
            let records = try Kcat.consume("t", of: broker, format: "%o|%k|%K|%s|%S")
            #expect(records == ["0|k|1|v|1", "1||-1||-1", "2||0||0"])
        }

        @Test func headersGoWithTheRecord() async throws {
            let broker = try Broker(topics: ["t": 1])
            let producer = try RealBrokerTests.producer(RealBrokerTests.configuration(broker))
            producer.start()
            let headers = [KafkaHeader("a", "1"), KafkaHeader("b", "")]
            let receipt = try await producer.produce(topic: "t", key: [107], value: Array("v".utf8), headers: headers)
            #expect(receipt == KafkaReceipt(topic: "t", partition: 0, offset: 0))
            #expect(try await producer.produce(topic: "t", key: nil, value: nil, headers: headers).offset == 1)
            // What is refused at once leaves nothing behind, of which the test of leaks counts the deliveries.
            let huge = [UInt8](repeating: 0, count: 2_000_000)
            let error = await #expect(throws: KafkaError.self) {
                try await producer.produce(topic: "t", key: nil, value: huge, headers: headers)
            }
            #expect(error?.name == "MSG_SIZE_TOO_LARGE")
            await producer.stop()
            let records = try Kcat.consume("t", of: broker, format: "%o|%k|%K|%s|%S|%h")
            #expect(records == ["0|k|1|v|1|a=1,b=", "1||-1||-1|a=1,b="])
        }

        @Test func equalKeysGoToOnePartition() async throws {
            let broker = try Broker(brokers: 2, topics: ["t": 8])
            let producer = try RealBrokerTests.producer(RealBrokerTests.configuration(broker))
            producer.start()
            let receipts = try await withThrowingTaskGroup(of: KafkaReceipt.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        try await producer.produce(topic: "t", key: Array("same".utf8), value: Array("\(number)".utf8))
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(receipts.map(\.partition)).count == 1)
            #expect(receipts.compactMap(\.offset).sorted() == Array(0..<200))
            await producer.stop()
        }

        @Test func aRefusalIsThrownAndTheNextRecordGoesThrough() async throws {
            let broker = try Broker(topics: ["t": 1])
            let registry = MetricsRegistry()
            let producer = try KafkaProducer(
                configuration: RealBrokerTests.configuration(broker), metrics: registry, logger: .quiet)
            producer.start()
            // Produce is API 0, "message too large" 10.
            try broker.perform("errors 0 10 1")
            let error = await #expect(throws: KafkaError.self) {
                try await producer.produce(topic: "t", key: nil, value: Array("not the error's text".utf8))
            }
            #expect(error?.code == .refused)
            #expect(error?.name == "MSG_SIZE_TOO_LARGE")
            #expect(error?.text == "Broker: Message size too large")
            #expect(try await producer.produce(topic: "t", key: nil, value: [2]).topic == "t")
            #expect(registry.exposition().contains("martlet_kafka_produces_total{outcome=\"failed\"} 1\n"))
            #expect(registry.exposition().contains("martlet_kafka_produces_total{outcome=\"acknowledged\"} 1\n"))
            #expect(registry.exposition().contains("martlet_kafka_produces_in_flight 0\n"))
            await producer.stop()
        }

        @Test func accessMayBeGrantedLater() async throws {
            let broker = try Broker(topics: ["t": 1])
            let producer = try RealBrokerTests.producer(RealBrokerTests.configuration(broker))
            producer.start()
            // "Not authorized for the topic".
            try broker.perform("errors 0 29 1")
            let error = await #expect(throws: KafkaError.self) {
                try await producer.produce(topic: "t", key: nil, value: [1])
            }
            #expect(error?.code == .unauthorized)
            var receipt: KafkaReceipt?
            for _ in 0..<50 where receipt == nil {
                receipt = try? await producer.produce(topic: "t", key: nil, value: [2])
                if receipt == nil { try await Task.sleep(for: .milliseconds(100)) }
            }
            #expect(receipt != nil)
            await producer.stop()
        }

        @Test func whatCanBeRepeatedIsRepeated() async throws {
            let broker = try Broker(topics: ["t": 1])
            let producer = try RealBrokerTests.producer(RealBrokerTests.configuration(broker))
            producer.start()
            // "Not the leader" and "not enough replicas".
            try broker.perform("errors 0 6 1")
            try broker.perform("errors 0 19 1")
            #expect(try await producer.produce(topic: "t", key: nil, value: [1]).offset == 0)
            await producer.stop()
        }

        @Test func anUnreachableBrokerIsATimeout() async throws {
            let broker = try Broker(topics: ["t": 1])
            var configuration = RealBrokerTests.configuration(broker)
            configuration.produceTimeout = .seconds(1)
            let producer = try RealBrokerTests.producer(configuration)
            producer.start()
            _ = try await producer.produce(topic: "t", key: nil, value: [1])
            try broker.perform("down 1")
            let began = ContinuousClock.now
            let error = await #expect(throws: KafkaError.self) {
                try await producer.produce(topic: "t", key: nil, value: [2])
            }
            #expect(error?.code == .timedOut)
            #expect(ContinuousClock.now - began < .seconds(15))
            try broker.perform("up 1")
            var offset: Int64?
            for _ in 0..<5 where offset == nil {
                offset = try? await producer.produce(topic: "t", key: nil, value: [3]).offset
            }
            #expect(offset == 1)
            await producer.stop()
        }

        @Test func moreThanTheBoundIsRefused() async throws {
            let broker = try Broker(topics: ["t": 1])
            var configuration = RealBrokerTests.configuration(broker)
            configuration.producesInFlightMax = 10
            configuration.produceTimeout = .seconds(5)
            let producer = try RealBrokerTests.producer(configuration)
            producer.start()
            try broker.perform("down 1")
            let codes = await withTaskGroup(of: KafkaError.Code?.self) { group in
                for number in UInt8(0)..<30 {
                    group.addTask {
                        do throws(KafkaError) {
                            _ = try await producer.produce(topic: "t", key: nil, value: [number])
                            return nil
                        } catch {
                            return error.code
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes.count { $0 == .full } == 20)
            #expect(codes.count { $0 == .timedOut } == 10)
            await producer.stop()
        }

        @Test func shutdownSettlesWhatIsInFlight() async throws {
            let broker = try Broker(topics: ["t": 1])
            let living = KafkaDelivery.living.load(ordering: .relaxed)
            let producer = try RealBrokerTests.producer(RealBrokerTests.configuration(broker))
            producer.start()
            _ = try await producer.produce(topic: "t", key: nil, value: [1])
            try broker.perform("down 1")
            let tasks = (0..<50).map { number in
                Task { () -> KafkaError.Code? in
                    do throws(KafkaError) {
                        _ = try await producer.produce(topic: "t", key: nil, value: [UInt8(number)])
                        return nil
                    } catch {
                        return error.code
                    }
                }
            }
            #expect(await eventually { KafkaDelivery.living.load(ordering: .relaxed) == living + 50 })
            await producer.stop()
            for task in tasks { #expect(await task.value == .stopped) }
            #expect(await eventually { KafkaDelivery.living.load(ordering: .relaxed) == living })
            let error = await #expect(throws: KafkaError.self) {
                try await producer.produce(topic: "t", key: nil, value: nil)
            }
            #expect(error?.code == .stopped)
        }

        @Test func shutdownWaitsForAcknowledgements() async throws {
            let broker = try Broker(topics: ["t": 1])
            try broker.perform("rtt 1 300")
            let producer = try RealBrokerTests.producer(RealBrokerTests.configuration(broker))
            producer.start()
            let task = Task { try await producer.produce(topic: "t", key: nil, value: [1]) }
            try await Task.sleep(for: .milliseconds(100))
            await producer.stop()
            _ = await task.result
        }

        @Test func aFatalErrorIsOvercome() async throws {
            let broker = try Broker(topics: ["t": 1])
            let registry = MetricsRegistry()
            let producer = try KafkaProducer(
                configuration: RealBrokerTests.configuration(broker), metrics: registry, logger: .quiet)
            producer.start()
            _ = try await producer.produce(topic: "t", key: nil, value: [1])
            // "Out of order sequence number", which for the first record in flight means that records were lost.
            try broker.perform("errors 0 45 1")
            await #expect(throws: KafkaError.self) { try await producer.produce(topic: "t", key: nil, value: [2]) }
            var receipt: KafkaReceipt?
            for _ in 0..<50 where receipt == nil {
                receipt = try? await producer.produce(topic: "t", key: nil, value: [3])
                if receipt == nil { try await Task.sleep(for: .milliseconds(50)) }
            }
            #expect(receipt?.offset == 1)
            #expect(
                registry.exposition().contains("martlet_kafka_errors_total{client=\"producer\",code=\"fatal\"} 1\n"))
            await producer.stop()
        }

        @Test func anIllegalTopicIsRefused() async throws {
            let broker = try Broker(topics: ["t": 1])
            let producer = try RealBrokerTests.producer(RealBrokerTests.configuration(broker))
            for topic in ["", "a b", "ä"] {
                let error = await #expect(throws: KafkaError.self) {
                    try await producer.produce(topic: topic, key: nil, value: nil)
                }
                #expect(error?.code == .configuration)
            }
            // It never ran.
            await producer.stop()
        }
    }
}
