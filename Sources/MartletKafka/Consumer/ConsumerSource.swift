// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What the consumer needs of a Kafka client, so that its decisions can be tried against a scripted one.
///
/// Topics are named by their index in the configuration. All of it happens on the consumer's thread.
protocol ConsumerSource: AnyObject {
    /// How many partitions a topic has. Blocks, up to the request timeout.
    func partitionCount(topic: Int) throws(KafkaError) -> Int
    /// Blocks, up to the request timeout.
    func watermarks(topic: Int, partition: Int32) throws(KafkaError) -> Watermarks
    /// For each partition the first offset at or after a time in milliseconds since 1970, nil where there is none.
    /// Blocks, up to the request timeout.
    func offsets(topic: Int, partitionCount: Int, since timestamp: Int64) throws(KafkaError) -> [Int64?]
    /// Begins reading; at the first record there is where `offset` is nil.
    func begin(topic: Int, partition: Int32, offset: Int64?) throws(KafkaError)
    /// Ends reading. What was fetched and not yet handed over is dropped.
    func end(topic: Int, partition: Int32)
    /// Hands over what has come, waiting at most `timeout` for the first of it.
    func poll(timeout: Duration, into sink: any ConsumerSink)
    /// Nothing is called afterwards.
    func close()
}
