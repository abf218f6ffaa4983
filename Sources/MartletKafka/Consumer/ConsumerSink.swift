// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a consuming client tells while it is polled.
protocol ConsumerSink: ClientSink {
    func recordReceived(_ record: borrowing KafkaRecord, key: Span<UInt8>?, value: Span<UInt8>?)
    func endReached(topic: Int, partition: Int32, at offset: Int64)
    /// The brokers no longer have the offset to be read next, and the reading of the partition stopped.
    func positionLost(topic: Int, partition: Int32, _ error: KafkaError)
    /// A fetch of this partition was answered with an error.
    func fetchFailed(topic: Int, partition: Int32, _ error: KafkaError)
    /// Whether the rest of what has come can wait.
    var mustReturn: Bool { get }
}
