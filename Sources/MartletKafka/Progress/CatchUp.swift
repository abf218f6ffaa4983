// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The progress of every partition of every topic, and the one moment when all of them have caught up.
struct CatchUp {
    /// By topic; empty until the topic's partitions are known.
    private(set) var topics: [[PartitionProgress]]
    /// Partitions that have not caught up.
    private(set) var behind = 0
    /// Whether the one moment has been.
    private(set) var isComplete = false

    init(topicCount: Int) { self.topics = Array(repeating: [], count: topicCount) }

    /// The first topic that is not known, or has a partition that has not caught up.
    var firstBehind: Int? {
        self.topics.firstIndex { partitions in partitions.isEmpty || partitions.contains { !$0.isCaughtUp } }
    }

    /// The topic's partitions are known and their reading begins.
    mutating func topicResolved(_ topic: Int, starts: [PartitionStart]) {
        guard self.topics.indices.contains(topic), self.topics[topic].isEmpty else { return }
        let partitions = starts.map { PartitionProgress(start: $0) }
        self.topics[topic] = partitions
        self.behind += partitions.count { !$0.isCaughtUp }
    }

    /// A partition was added to a topic that is being read.
    mutating func partitionAdded(_ topic: Int) {
        guard self.topics.indices.contains(topic) else { return }
        self.topics[topic].append(PartitionProgress(start: .added))
        self.behind += 1
    }

    mutating func recordReceived(
        _ topic: Int, _ partition: Int32, offset: Int64, timestamp: Int64
    ) -> PartitionProgress.Loss? {
        self.change(topic, partition) { $0.recordReceived(offset: offset, timestamp: timestamp) } ?? nil
    }

    mutating func endReached(_ topic: Int, _ partition: Int32, at offset: Int64) -> PartitionProgress.Loss? {
        self.change(topic, partition) { $0.endReached(at: offset) } ?? nil
    }

    mutating func highObserved(_ topic: Int, _ partition: Int32, _ high: Int64) {
        self.change(topic, partition) { $0.highObserved(high) }
    }

    mutating func restarted(_ topic: Int, _ partition: Int32, _ watermarks: Watermarks) {
        self.change(topic, partition) { $0.restarted(watermarks) }
    }

    /// True once: when everything has caught up for the first time.
    mutating func completes() -> Bool {
        guard !self.isComplete, self.behind == 0, !self.topics.contains(where: \.isEmpty) else { return false }
        self.isComplete = true
        return true
    }

    @discardableResult
    private mutating func change<Result>(
        _ topic: Int, _ partition: Int32, _ body: (inout PartitionProgress) -> Result
    ) -> Result? {
        let index = Int(partition)
        guard self.topics.indices.contains(topic), self.topics[topic].indices.contains(index) else { return nil }
        let wasCaughtUp = self.topics[topic][index].isCaughtUp
        let result = body(&self.topics[topic][index])
        let isCaughtUp = self.topics[topic][index].isCaughtUp
        if wasCaughtUp != isCaughtUp { self.behind += isCaughtUp ? -1 : 1 }
        return result
    }
}
