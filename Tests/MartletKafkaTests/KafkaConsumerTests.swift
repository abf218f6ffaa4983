// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import MartletInstruments
import Synchronization
import Testing

@testable import MartletKafka

extension RealBrokerTests {
    @Suite struct KafkaConsumerTests {
        @Test func anEmptyTopicIsCaughtUpAndHealthy() async throws {
            let broker = try Broker(topics: ["t": 3])
            let recorder = Recorder()
            let consumer = try consumer(configuration(broker), recorder)
            consumer.start()
            #expect(await eventually { consumer.isCaughtUp && consumer.health.isHealthy })
            #expect(consumer.position(topic: "t", partition: 2) == 0)
            #expect(consumer.position(topic: "t", partition: 3) == nil)
            #expect(consumer.position(topic: "u", partition: 0) == nil)
            // Silence is health as long as fetches are answered.
            try await Task.sleep(for: .seconds(4.5))
            #expect(consumer.health.isHealthy)
            await consumer.stop()
            #expect(recorder.records.isEmpty)
            #expect(recorder.events.filter { $0 == .caughtUp }.count == 1)
            #expect(recorder.failures.isEmpty)
        }

        @Test func everyPartitionOfEveryTopicIsReadInOrderBeforeItIsCaughtUp() async throws {
            let broker = try Broker(brokers: 2, topics: ["a": 3, "b": 1])
            try Kcat.produce((0..<3_000).map { "k\($0 % 100):\($0)" }, to: "a", of: broker, "-K:")
            try Kcat.produce((0..<500).map { "\($0)" }, to: "b", of: broker)
            let atCatchUp = Mutex<Int?>(nil)
            let holder = Mutex<KafkaConsumer?>(nil)
            let recorder = Recorder { count in
                if holder.withLock({ $0?.isCaughtUp }) == true { atCatchUp.withLock { $0 = $0 ?? count } }
            }
            let consumer = try consumer(configuration(broker, ["a", "b"]), recorder)
            holder.withLock { $0 = consumer }
            consumer.start()
            #expect(await eventually { consumer.isCaughtUp })
            #expect(recorder.records.count == 3_500)
            #expect(atCatchUp.withLock { $0 } == nil)
            try Kcat.produce(["news"], to: "b", of: broker)
            #expect(await eventually { recorder.records.count == 3_501 })
            await consumer.stop()
            holder.withLock { $0 = nil }

            for partition in Int32(0)..<3 {
                let offsets = recorder.records.filter { $0.topic == 0 && $0.partition == partition }.map(\.offset)
                #expect(offsets == Array(0..<Int64(offsets.count)))
                #expect(consumer.position(topic: "a", partition: partition) == Int64(offsets.count))
            }
            let values = recorder.records.filter { $0.topic == 0 }.compactMap(\.value).compactMap { Int($0) }
            #expect(values.sorted() == Array(0..<3_000))
            #expect(recorder.records.last?.value == "news")
            #expect(recorder.timestamps.allSatisfy { abs(Double($0) / 1000 - Date().timeIntervalSince1970) < 60 })
            #expect(recorder.truncations.isEmpty)
        }

        @Test func nullsAndEmptyValuesAreData() async throws {
            let broker = try Broker(topics: ["t": 1])
            try Kcat.produce(["k:", ":v", ":"], to: "t", of: broker, "-K:", "-Z", "-H", "h=one", "-H", "h=two")
            try Kcat.produce(["k:"], to: "t", of: broker, "-K:")
            let recorder = Recorder()
            let consumer = try consumer(configuration(broker), recorder)
            consumer.start()
            #expect(await eventually { recorder.records.count == 4 })
            await consumer.stop()
            #expect(
                recorder.records == [
                    .init(offset: 0, key: "k", value: nil, header: "two"),
                    .init(offset: 1, key: nil, value: "v", header: "two"),
                    .init(offset: 2, key: nil, value: nil, header: "two"),
                    .init(offset: 3, key: "k", value: "", header: nil),
                ])
        }

        @Test func timestampReadsWhatComesAfterTheEndThatWasAsked() async throws {
            let broker = try Broker(topics: ["t": 1])
            try Kcat.produce(["old"], to: "t", of: broker)
            let recorder = Recorder()
            var configuration = configuration(broker)
            configuration.start = .timestamp
            let consumer = try consumer(configuration, recorder)
            consumer.start()
            // The mock finds nothing by time, whatever it holds.
            #expect(await eventually { consumer.isCaughtUp })
            try Kcat.produce(["new"], to: "t", of: broker)
            #expect(await eventually { !recorder.records.isEmpty })
            await consumer.stop()
            #expect(recorder.records.map(\.value) == ["new"])
        }

        @Test func brokersMayGoAndComeBack() async throws {
            let broker = try Broker(brokers: 2, topics: ["t": 2])
            let recorder = Recorder()
            let configuration = configuration(broker)
            let consumer = try consumer(configuration, recorder)
            consumer.start()
            #expect(await eventually { consumer.health.isHealthy })
            for id in 1...2 { try broker.perform("down \(id)") }
            #expect(await eventually { !consumer.health.isHealthy })
            #expect(recorder.failures.contains { $0.code == .unavailable })
            for id in 1...2 { try broker.perform("up \(id)") }
            #expect(await eventually { consumer.health.isHealthy })
            try Kcat.produce((0..<100).map { "k\($0):\($0)" }, to: "t", of: broker, "-K:")
            #expect(await eventually { recorder.records.count >= 100 })
            await consumer.stop()
            #expect(recorder.records.count == 100)
            #expect(Set(recorder.records.compactMap(\.value)).count == 100)
            #expect(recorder.truncations.isEmpty)
            #expect(recorder.events.filter { $0 == .caughtUp }.count == 1)
        }

        @Test func oneBrokerOfTwoAwayIsToldToo() async throws {
            let broker = try Broker(brokers: 2, topics: ["t": 2])
            let recorder = Recorder()
            let consumer = try consumer(configuration(broker), recorder)
            consumer.start()
            #expect(await eventually { consumer.health.isHealthy })
            try broker.perform("leader t 0 1")
            try broker.perform("leader t 1 2")
            try broker.perform("down 2")
            let silent = KafkaHealth.unhealthy("topic t, partition 1: fetches are not answered")
            #expect(await eventually { consumer.health == silent })
            // The partition gets another leader.
            try broker.perform("leader t 1 1")
            #expect(await eventually { consumer.health.isHealthy })
            await consumer.stop()
        }

        @Test func aBrokerThatNoLongerAnswersIsNoticedThoughItIsConnected() async throws {
            let broker = try Broker(topics: ["t": 1])
            let recorder = Recorder()
            let consumer = try consumer(configuration(broker), recorder)
            consumer.start()
            #expect(await eventually { consumer.health.isHealthy })
            broker.freeze()
            #expect(await eventually { !consumer.health.isHealthy })
            broker.thaw()
            #expect(await eventually { consumer.health.isHealthy })
            try Kcat.produce(["v"], to: "t", of: broker)
            #expect(await eventually { recorder.records.count == 1 })
            broker.freeze()
            let began = ContinuousClock.now
            await consumer.stop()
            #expect(ContinuousClock.now - began < .seconds(20))
            broker.thaw()
        }

        @Test func brokersMayComeLater() async throws {
            let broker = try Broker(topics: ["t": 1])
            try Kcat.produce(["v"], to: "t", of: broker)
            try broker.perform("down 1")
            let recorder = Recorder()
            let consumer = try consumer(configuration(broker), recorder)
            consumer.start()
            #expect(await eventually { recorder.failures.contains { $0.code == .unavailable } })
            #expect(!consumer.isCaughtUp)
            try broker.perform("up 1")
            #expect(await eventually { consumer.isCaughtUp })
            await consumer.stop()
            #expect(recorder.records.map(\.value) == ["v"])
        }

        @Test func aTopicMayComeLater() async throws {
            let broker = try Broker(topics: ["here": 1])
            try Kcat.produce(["v"], to: "here", of: broker)
            let recorder = Recorder()
            let consumer = try consumer(configuration(broker, ["here", "later"]), recorder)
            consumer.start()
            #expect(await eventually { recorder.failures.contains { $0.code == .unknownTopic } })
            #expect(await eventually { recorder.records.count == 1 })
            #expect(!consumer.isCaughtUp)
            try broker.perform("topic later 2")
            #expect(await eventually { consumer.isCaughtUp })
            await consumer.stop()
        }

        @Test func aTopicThatDroppedRecordsWithinTheLookbackIsTold() async throws {
            let broker = try Broker(topics: ["t": 1])
            try Kcat.produce(Self.moreThanAPartitionHolds, to: "t", of: broker)
            let recorder = Recorder()
            let consumer = try consumer(configuration(broker), recorder)
            consumer.start()
            #expect(await eventually { consumer.isCaughtUp })
            await consumer.stop()
            let first = try #require(recorder.records.first)
            #expect(first.offset > 0)
            #expect(recorder.records.last?.value == Self.moreThanAPartitionHolds.last)
            #expect(
                recorder.truncations == [
                    KafkaTruncation(
                        topic: 0, partition: 0, cause: .horizon, firstRetained: recorder.timestamps.first)
                ])
        }

        @Test func aPositionThatWasDroppedIsToldAndReadingGoesOn() async throws {
            let broker = try Broker(topics: ["t": 1])
            try Kcat.produce(["first"], to: "t", of: broker)
            let gate = DispatchSemaphore(value: 0)
            let recorder = Recorder { count in if count == 1 { gate.wait() } }
            var configuration = configuration(broker)
            // So little is fetched ahead that the position is overtaken.
            configuration.queuedBytesMax = 1024
            let consumer = try consumer(configuration, recorder)
            consumer.start()
            #expect(await eventually { recorder.records.count == 1 })
            for _ in 0..<2 { try Kcat.produce(Self.moreThanAPartitionHolds, to: "t", of: broker) }
            gate.signal()
            #expect(await eventually { recorder.records.last?.offset == 120_000 })
            #expect(await eventually { consumer.health.isHealthy })
            await consumer.stop()
            let truncation = try #require(recorder.truncations.first)
            #expect(recorder.truncations.count == 1)
            #expect(truncation.cause == .position)
            let records = recorder.records
            let jump = try #require(
                records.indices.dropFirst().first { records[$0].offset != records[$0 - 1].offset + 1 })
            #expect(truncation.firstRetained == recorder.timestamps[jump])
        }

        @Test func aRefusedFetchIsToldAndTriedAgain() async throws {
            let broker = try Broker(topics: ["t": 1])
            let recorder = Recorder()
            let consumer = try consumer(configuration(broker), recorder)
            consumer.start()
            #expect(await eventually { consumer.health.isHealthy })
            // Fetch is API 1, "not authorized for the topic" 29.
            try broker.perform("errors 1 29 100")
            #expect(await eventually { !consumer.health.isHealthy })
            #expect(recorder.failures.contains { $0.code == .unauthorized })
            try broker.perform("errors 1 0 0")
            #expect(await eventually { consumer.health.isHealthy })
            try Kcat.produce(["v"], to: "t", of: broker)
            #expect(await eventually { recorder.records.count == 1 })
            await consumer.stop()
        }

        @Test func whatLibrdkafkaRefusesIsRefusedAtOnce() throws {
            var configuration = KafkaConfiguration(brokers: ["127.0.0.1:1"], topics: ["t"])
            configuration.properties = ["no.such.property": "x"]
            let error = #expect(throws: KafkaError.self) { try consumer(configuration, Recorder()) }
            #expect(error?.code == .configuration)
            #expect(error?.text.contains("no.such.property") == true)
            for topics in [["t", "t"], ["a b"], [""], ["\"}"], [String(repeating: "x", count: 250)]] {
                let configuration = KafkaConfiguration(brokers: ["127.0.0.1:1"], topics: topics)
                #expect(throws: KafkaError.self) { try consumer(configuration, Recorder()) }
            }
            #expect(throws: KafkaError.self) {
                try consumer(KafkaConfiguration(brokers: [], topics: []), Recorder())
            }
        }

        @Test func runEndsWithItsTask() async throws {
            let broker = try Broker(topics: ["t": 1])
            let consumer = try consumer(configuration(broker), Recorder())
            let task = Task { await consumer.run() }
            #expect(await eventually { consumer.isCaughtUp })
            task.cancel()
            await task.value
            // Ended is ended.
            await consumer.stop()
            await consumer.run()
        }

        /// The mock keeps 5 MiB of a partition.
        private static let moreThanAPartitionHolds = (0..<60_000).map {
            "\($0)-" + String(repeating: "x", count: 120)
        }

        private func configuration(_ broker: Broker, _ topics: [String] = ["t"]) -> KafkaConfiguration {
            RealBrokerTests.configuration(broker, topics)
        }

        private func consumer(_ configuration: KafkaConfiguration, _ recorder: Recorder) throws -> KafkaConsumer {
            try RealBrokerTests.consumer(configuration, recorder)
        }
    }
}
