// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import MartletCore
import MartletInstruments
import Testing

@testable import MartletKafka

/// The consumer's decisions, against a client that does as the test says.
@Suite struct ConsumerLoopTests {
    private let source = ScriptedSource()
    private let recorder = Recorder()
    private let status = ConsumerStatus()
    private let registry = MetricsRegistry()

    private func loop(
        topics: [String] = ["t"], _ change: (inout KafkaConfiguration) -> Void = { _ in }
    ) -> ConsumerLoop {
        var configuration = KafkaConfiguration(brokers: ["unused"], topics: topics)
        configuration.start = .earliest
        configuration.observationInterval = .zero
        configuration.lossMemory = .zero
        configuration.retry.base = .zero
        change(&configuration)
        return ConsumerLoop(
            configuration: configuration, source: self.source, delegate: self.recorder,
            metrics: KafkaConsumerMetrics(topics: topics, registry: self.registry), logger: .quiet,
            status: self.status)
    }

    @Test func timestampAsksTheEndsFirst() {
        let loop = self.loop {
            $0.start = .timestamp
            $0.lookback = .seconds(100)
        }
        self.source.watermarks = [[Watermarks(low: 0, high: 7), Watermarks(low: 0, high: 9)]]
        self.source.offsetsByTime = [[3, nil]]
        loop.turn()
        #expect(
            self.source.takeTranscript() == [
                "count 0", "watermarks 0/0", "watermarks 0/1", "times 0", "begin 0/0 at 3", "begin 0/1 at 9",
            ])
        let asked = Double(self.source.askedTime ?? 0) / 1000
        #expect(abs(asked - (Date().timeIntervalSince1970 - 100)) < 5)
        self.source.steps = [.record(offset: 6)]
        loop.turn()
        #expect(!self.status.isCaughtUp)
        self.source.steps = [.end(partition: 1, at: 9)]
        loop.turn()
        #expect(self.status.isCaughtUp)
        #expect(self.recorder.events.contains(.caughtUp))
        #expect(self.status.position(topic: 0, partition: 0) == 7)
        #expect(self.status.position(topic: 0, partition: 1) == 9)
        #expect(self.status.position(topic: 0, partition: 2) == nil)
        #expect(self.status.position(topic: 1, partition: -1) == nil)
    }

    @Test(arguments: [Duration.zero, .seconds(3_600)])
    func positionsAreToldWhileThereIsMoreToWorkThrough(interval: Duration) {
        let loop = self.loop { $0.observationInterval = interval }
        self.source.watermarks = [[Watermarks(low: 0, high: 3)]]
        loop.turn()
        self.source.keepsTheRest = true
        self.source.steps = (0..<3).map { .record(offset: $0) }
        loop.turn()
        // Only where it is time to look.
        let read = interval == .zero ? 1 : 3
        #expect(self.recorder.records.count == read && self.source.steps.count == 3 - read)
        #expect(self.status.position(topic: 0, partition: 0) == Int64(read))
        for _ in 0..<2 { loop.turn() }
        #expect(self.recorder.records.map(\.offset) == [0, 1, 2] && self.status.isCaughtUp)
    }

    @Test func anAnswerThatFailsIsAskedAgainFromTheBeginning() {
        let loop = self.loop { $0.start = .timestamp }
        self.source.watermarks = [[Watermarks(low: 0, high: 7)]]
        self.source.offsetsByTime = [[3]]
        self.source.failures["times 0"] = KafkaError(.timedOut, "no answer")
        loop.turn()
        #expect(self.source.takeTranscript() == ["count 0", "watermarks 0/0", "times 0"])
        #expect(self.recorder.failures == [KafkaError(.timedOut, "topic t: no answer")])
        self.source.failures = [:]
        loop.turn()
        #expect(self.source.takeTranscript() == ["count 0", "watermarks 0/0", "times 0", "begin 0/0 at 3"])
    }

    @Test func aTopicBeginsWithAllPartitionsOrNone() {
        let loop = self.loop()
        self.source.watermarks = [[Watermarks(low: 0, high: 1), Watermarks(low: 0, high: 1)]]
        self.source.failures["begin 0/1 at 0"] = KafkaError(.refused, "no")
        loop.turn()
        #expect(self.source.takeTranscript().suffix(3) == ["begin 0/0 at 0", "begin 0/1 at 0", "end 0/0"])
        self.source.steps = [.record(offset: 0)]
        self.source.failures["count 0"] = KafkaError(.refused, "no")
        loop.turn()
        #expect(self.recorder.records.isEmpty)
    }

    @Test func whyTheBrokersCannotBeReachedIsTold() {
        let loop = self.loop()
        func fail(_ name: String, _ text: String) {
            self.source.steps = [.failed(KafkaError(.unavailable, name: name, text))]
            loop.turn()
        }
        fail("_TRANSPORT", "b: refused (after 1ms in state CONNECT)")
        #expect(self.status.health == .unhealthy("catching up with topic t: b: refused"))
        fail("_AUTHENTICATION", "b: wrong password (after 2ms in state AUTH_REQ)")
        #expect(self.status.health == .unhealthy("catching up with topic t: b: wrong password"))
        // What follows from it does not hide it.
        fail("_ALL_BROKERS_DOWN", "1/1 brokers are down")
        #expect(self.status.health == .unhealthy("catching up with topic t: b: wrong password"))
        self.source.watermarks = [[Watermarks(low: 0, high: 1)]]
        for _ in 0..<2 { loop.turn() }
        #expect(self.status.health == .unhealthy("catching up with topic t"))
    }

    @Test func anUnknownTopicHoldsUpReadinessButNotTheOthers() {
        let loop = self.loop(topics: ["here", "later"])
        self.source.watermarks = [[Watermarks(low: 0, high: 1)], []]
        for _ in 0..<5 { loop.turn() }
        // Told once, though it is asked again and again.
        #expect(self.recorder.failures == [KafkaError(.unknownTopic, "topic later: no such topic")])
        self.source.steps = [.record(offset: 0)]
        loop.turn()
        #expect(self.recorder.records.count == 1)
        #expect(!self.status.isCaughtUp)
        #expect(self.status.health == .unhealthy("catching up with topic later"))
        self.source.watermarks[1] = [Watermarks(low: 0, high: 0)]
        loop.turn()
        #expect(self.status.isCaughtUp)
    }

    @Test func aLostPositionIsToldAndReadAgainFromTheFirst() throws {
        let loop = self.loop()
        self.source.watermarks = [[Watermarks(low: 0, high: 2)]]
        self.source.steps = [.record(offset: 1), .end(at: 2)]
        loop.turn()
        #expect(self.status.health == .healthy)
        _ = self.source.takeTranscript()

        self.source.watermarks = [[Watermarks(low: 50, high: 52)]]
        self.source.steps = [.lost()]
        loop.turn()
        #expect(!self.status.health.isHealthy)
        loop.turn()
        #expect(self.source.takeTranscript() == ["end 0/0", "watermarks 0/0", "begin 0/0 at 50"])
        #expect(self.recorder.truncations.isEmpty)
        self.source.steps = [.record(offset: 50, timestamp: 777)]
        loop.turn()
        let truncation = KafkaTruncation(topic: 0, partition: 0, cause: .position, firstRetained: 777)
        #expect(self.recorder.truncations == [truncation])
        #expect(!self.status.health.isHealthy)
        self.source.steps = [.record(offset: 51)]
        loop.turn()
        #expect(self.status.health == .healthy)
        #expect(self.recorder.truncations.count == 1)
        #expect(self.recorder.events.filter { $0 == .caughtUp }.count == 1)
        #expect(self.registry.exposition().contains("martlet_kafka_truncations_total{topic=\"t\"} 1\n"))
    }

    @Test func aLossIsIllForAWhileHoweverSoonItIsOvercome() {
        let loop = self.loop { $0.lossMemory = .seconds(60) }
        self.source.watermarks = [[Watermarks(low: 0, high: 2)]]
        self.source.steps = [.record(offset: 1), .end(at: 2)]
        loop.turn()
        #expect(self.status.health == .healthy)
        self.source.watermarks = [[Watermarks(low: 50, high: 51)]]
        self.source.steps = [.lost()]
        loop.turn()
        loop.turn()
        self.source.steps = [.record(offset: 50, timestamp: 777), .end(at: 51)]
        loop.turn()
        #expect(self.recorder.truncations.count == 1)
        #expect(self.status.health == .unhealthy("topic t, partition 0: records were lost"))
    }

    @Test func aLostPositionWaitsForBrokersThatAnswer() {
        let loop = self.loop()
        self.source.watermarks = [[Watermarks(low: 0, high: 0)]]
        self.source.failures["watermarks 0/0"] = nil
        loop.turn()
        self.source.failures["watermarks 0/0"] = KafkaError(.unavailable, "nobody")
        self.source.steps = [.lost()]
        loop.turn()
        loop.turn()
        loop.turn()
        #expect(!self.source.transcript.suffix(4).contains { $0.hasPrefix("begin") })
        self.source.failures = [:]
        loop.turn()
        #expect(self.source.transcript.last == "begin 0/0 at 0")
        #expect(self.recorder.failures.contains(KafkaError(.unavailable, "topic t: nobody")))
    }

    @Test func aRefusedPartitionBeginsAnewWhereItWas() {
        let loop = self.loop()
        self.source.watermarks = [[Watermarks(low: 0, high: 2)]]
        self.source.steps = [.record(offset: 1)]
        loop.turn()
        _ = self.source.takeTranscript()
        self.source.steps = [.refused()]
        loop.turn()
        #expect(self.status.health == .unhealthy("topic t, partition 0: fetches are refused"))
        loop.turn()
        #expect(self.source.takeTranscript() == ["end 0/0", "begin 0/0 at 2"])
        #expect(!self.status.health.isHealthy)
        self.source.steps = [.end(at: 2)]
        loop.turn()
        #expect(self.status.health == .healthy)
        #expect(self.recorder.truncations.isEmpty)
    }

    @Test func addedPartitionsAreReadFromTheirFirstRecord() {
        let loop = self.loop()
        self.source.watermarks = [[Watermarks(low: 0, high: 0)]]
        loop.turn()
        _ = self.source.takeTranscript()
        let unknown = Statistics.Partition(number: 2, broker: -1, isUnknown: true)
        self.source.steps = [
            .statistics(Statistics.json([], topics: ["t": [.init(number: 0), .init(number: 1), unknown]])),
            .record(partition: 1, offset: 0), .record(partition: 2, offset: 0),
        ]
        loop.turn()
        #expect(self.source.takeTranscript() == ["begin 0/1 at first"])
        #expect(self.recorder.records == [Recorder.Record(partition: 1, offset: 0)])
        #expect(self.registry.exposition().contains("martlet_kafka_partitions{topic=\"t\"} 2\n"))
    }

    @Test func silenceIsHealthOnlyWhileFetchesAreAnswered() async throws {
        let loop = self.loop { $0.silenceMax = .seconds(4) }
        self.source.watermarks = [[Watermarks(low: 0, high: 0)]]
        loop.turn()
        #expect(self.status.isCaughtUp)
        #expect(self.status.health == .unhealthy("topic t, partition 0: fetches are not answered"))
        for fetches in 1...6 {
            let json = Statistics.json([.init(fetches: fetches)], topics: ["t": [.init(number: 0)]])
            self.source.steps = [.statistics(json)]
            loop.turn()
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(self.status.health == .healthy)
        let deadline = ContinuousClock.now + .seconds(30)
        while self.status.health == .healthy, ContinuousClock.now < deadline {
            let json = Statistics.json([.init(fetches: 6)], topics: ["t": [.init(number: 0)]])
            self.source.steps = [.statistics(json)]
            loop.turn()
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(self.status.health == .unhealthy("topic t, partition 0: fetches are not answered"))
        #expect(self.registry.exposition().contains("martlet_push_healthy 0\n"))
        let changes = self.recorder.events.filter { if case .healthChanged = $0 { true } else { false } }
        #expect(changes.count == 3)
    }

    @Test func answersOfAnotherBrokerProveNothing() {
        let loop = self.loop()
        self.source.watermarks = [[Watermarks(low: 0, high: 0)]]
        for fetches in 1...6 {
            let partition = Statistics.Partition(number: 0, broker: 2)
            self.source.steps = [.statistics(Statistics.json([.init(fetches: fetches)], topics: ["t": [partition]]))]
            loop.turn()
        }
        #expect(!self.status.health.isHealthy)
    }

    @Test func lagAboveTheBoundIsIll() {
        let loop = self.loop { $0.lagMax = 5 }
        self.source.watermarks = [[Watermarks(low: 0, high: 0)]]
        let statistics = Statistics.json([], topics: ["t": [.init(number: 0, high: 6)]])
        self.source.steps = [.end(at: 0), .statistics(statistics)]
        loop.turn()
        #expect(self.status.health == .unhealthy("topic t, partition 0: too far behind"))
        #expect(self.registry.exposition().contains("martlet_kafka_lag_records{topic=\"t\"} 6\n"))
        self.source.steps = [.record(offset: 0)]
        loop.turn()
        #expect(self.status.health == .healthy)
    }

    @Test func errorsAreCountedAndToldAtALimitedRate() {
        let loop = self.loop()
        self.source.watermarks = [[Watermarks(low: 0, high: 0)]]
        self.source.steps = (0..<50).map { .failed(KafkaError(.unavailable, name: "_TRANSPORT", "away \($0)")) }
        self.source.steps += [.statistics("{"), .statistics("[]")]
        loop.turn()
        #expect(self.recorder.failures.count == 2)
        #expect(
            self.registry.exposition().contains(
                "martlet_kafka_errors_total{client=\"consumer\",code=\"unavailable\"} 50\n"))
    }

    @Test func whatBelongsToNoPartitionIsIgnored() {
        let loop = self.loop()
        self.source.watermarks = [[Watermarks(low: 0, high: 1)]]
        self.source.steps = [
            .record(topic: 4, offset: 0), .record(partition: 7, offset: 0), .record(partition: -1, offset: 0),
            .end(topic: -1, at: 0), .lost(partition: 9), .refused(topic: 2),
        ]
        loop.turn()
        #expect(self.recorder.records.isEmpty)
        #expect(!self.status.isCaughtUp)
    }

    /// What others ask while the thread reads.
    @Test func theConsumerIsAskedFromOtherThreads() async throws {
        var configuration = KafkaConfiguration(brokers: ["unused"], topics: ["t"])
        configuration.start = .earliest
        self.source.watermarks = [[Watermarks(low: 0, high: 3)]]
        self.source.steps = [.record(offset: 0), .record(offset: 1), .record(offset: 2)]
        let consumer = KafkaConsumer(
            configuration: configuration, source: self.source, delegate: self.recorder, metrics: self.registry,
            logger: .quiet)
        let task = Task { await consumer.run() }
        #expect(await eventually { consumer.position(topic: "t", partition: 0) == 3 })
        #expect(await eventually { consumer.isCaughtUp && consumer.health.isHealthy })
        async let first: Void = consumer.stop()
        async let second: Void = consumer.stop()
        task.cancel()
        _ = await (first, second, task.value)
        #expect(self.source.isClosed)
    }

    @Test func theSourceIsClosedWhenTheLoopIsStopped() {
        let loop = self.loop()
        self.status.stop()
        loop.run()
        #expect(self.source.isClosed)
        #expect(self.source.transcript.isEmpty)
    }
}

extension Logger {
    /// Says nothing.
    static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
}
