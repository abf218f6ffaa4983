// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletKafka
import Synchronization

/// A delegate that keeps everything it is told.
final class Recorder: KafkaConsumerDelegate {
    struct Record: Hashable {
        var topic = 0
        var partition: Int32 = 0
        var offset: Int64
        var key: String?
        var value: String?
        var header: String?
    }

    private struct State {
        var records: [Record] = []
        var events: [KafkaConsumerEvent] = []
        var timestamps: [Int64] = []
    }

    private let state = Mutex(State())
    private let onRecord: @Sendable (Int) -> Void

    /// - Parameter onRecord: Called on the consumer's thread with the number of records so far.
    init(onRecord: @escaping @Sendable (Int) -> Void = { _ in }) { self.onRecord = onRecord }

    var records: [Record] { self.state.withLock { $0.records } }
    var timestamps: [Int64] { self.state.withLock { $0.timestamps } }
    var events: [KafkaConsumerEvent] { self.state.withLock { $0.events } }

    var truncations: [KafkaTruncation] {
        self.events.compactMap { event in
            guard case .truncated(let truncation) = event else { return nil }
            return truncation
        }
    }

    var failures: [KafkaError] {
        self.events.compactMap { event in
            guard case .failed(let error) = event else { return nil }
            return error
        }
    }

    func received(_ record: borrowing KafkaRecord, key: Span<UInt8>?, value: Span<UInt8>?) {
        let text: (Span<UInt8>?) -> String? = { span in
            guard let span else { return nil }
            return String(decoding: [UInt8](copying: span), as: UTF8.self)
        }
        let kept = Record(
            topic: record.topic, partition: record.partition, offset: record.offset, key: text(key),
            value: text(value), header: record.header("h").map { String(decoding: $0, as: UTF8.self) })
        let timestamp = record.timestamp
        let count = self.state.withLock { state in
            state.records.append(kept)
            state.timestamps.append(timestamp)
            return state.records.count
        }
        self.onRecord(count)
    }

    func occurred(_ event: KafkaConsumerEvent) { self.state.withLock { $0.events.append(event) } }
}

/// Whether something comes true within a time.
func eventually(within duration: Duration = .seconds(30), _ isTrue: () -> Bool) async -> Bool {
    let deadline = ContinuousClock.now + duration
    while ContinuousClock.now < deadline {
        if isTrue() { return true }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return isTrue()
}
