// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

@testable import MartletKafka

/// A client without brokers: answers as it is told, hands over what it is given, and keeps a transcript.
// @unchecked Sendable: a test drives it and the loop on one thread.
final class ScriptedSource: ConsumerSource, @unchecked Sendable {
    enum Step {
        case record(topic: Int = 0, partition: Int32 = 0, offset: Int64, timestamp: Int64 = 1_000)
        case end(topic: Int = 0, partition: Int32 = 0, at: Int64)
        case lost(topic: Int = 0, partition: Int32 = 0)
        case refused(topic: Int = 0, partition: Int32 = 0)
        case failed(KafkaError)
        case statistics(String)
    }

    /// By topic and partition; a topic without any does not exist.
    var watermarks: [[Watermarks]] = []
    var offsetsByTime: [[Int64?]] = []
    var failures: [String: KafkaError] = [:]
    var steps: [Step] = []
    /// Whether the rest is kept for the next poll once the sink must return, as librdkafka keeps it.
    var keepsTheRest = false
    private(set) var transcript: [String] = []
    private(set) var askedTime: Int64?
    private(set) var isClosed = false

    /// What was done since this was last asked.
    func takeTranscript() -> [String] {
        defer { self.transcript = [] }
        return self.transcript
    }

    func partitionCount(topic: Int) throws(KafkaError) -> Int {
        try self.note("count \(topic)")
        guard self.watermarks.indices.contains(topic), !self.watermarks[topic].isEmpty else {
            throw KafkaError(.unknownTopic, "no such topic")
        }
        return self.watermarks[topic].count
    }

    func watermarks(topic: Int, partition: Int32) throws(KafkaError) -> Watermarks {
        try self.note("watermarks \(topic)/\(partition)")
        return self.watermarks[topic][Int(partition)]
    }

    func offsets(topic: Int, partitionCount: Int, since timestamp: Int64) throws(KafkaError) -> [Int64?] {
        try self.note("times \(topic)")
        self.askedTime = timestamp
        return self.offsetsByTime[topic]
    }

    func begin(topic: Int, partition: Int32, offset: Int64?) throws(KafkaError) {
        try self.note("begin \(topic)/\(partition) at \(offset.map { "\($0)" } ?? "first")")
    }

    func end(topic: Int, partition: Int32) { self.transcript.append("end \(topic)/\(partition)") }

    func poll(timeout: Duration, into sink: any ConsumerSink) {
        let steps = self.steps
        self.steps = []
        for (index, step) in steps.enumerated() {
            switch step {
            case .record(let topic, let partition, let offset, let timestamp):
                let record = KafkaRecord(topic: topic, partition: partition, offset: offset, timestamp: timestamp)
                sink.recordReceived(record, key: nil, value: nil)
            case .end(let topic, let partition, let offset):
                sink.endReached(topic: topic, partition: partition, at: offset)
            case .lost(let topic, let partition):
                sink.positionLost(topic: topic, partition: partition, KafkaError(.refused, name: "LOST", "gone"))
            case .refused(let topic, let partition):
                sink.fetchFailed(topic: topic, partition: partition, KafkaError(.unauthorized, "not allowed"))
            case .failed(let error): sink.clientFailed(error)
            case .statistics(let json): sink.statisticsReceived(Array(json.utf8))
            }
            if self.keepsTheRest, sink.mustReturn {
                self.steps = Array(steps[(index + 1)...])
                return
            }
        }
    }

    func close() { self.isClosed = true }

    private func note(_ line: String) throws(KafkaError) {
        self.transcript.append(line)
        if let failure = self.failures[line] { throw failure }
    }
}
