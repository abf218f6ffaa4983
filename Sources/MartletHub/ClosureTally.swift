// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What came of one invalidation on this node: how many connections it ended, counted by the shards.
package final class ClosureTally: Sendable {
    private let isTold = Atomic<Bool>(false)
    private let shardsLeft = Atomic<Int>(0)
    private let queuedCount = Atomic<Int>(0)
    private let doneCount = Atomic<Int>(0)

    package init() {}

    /// Connections that were told goodbye.
    package var queued: Int { self.queuedCount.load(ordering: .relaxed) }
    /// Those of them whose socket is closed.
    package var done: Int { self.doneCount.load(ordering: .relaxed) }
    /// Whether the shards were told and each has looked through its connections.
    package var isComplete: Bool {
        self.isTold.load(ordering: .acquiring) && self.shardsLeft.load(ordering: .acquiring) <= 0
    }

    /// To be called before so many shards are told.
    func told(shards: Int) {
        self.shardsLeft.add(shards, ordering: .relaxed)
        self.isTold.store(true, ordering: .releasing)
    }
    func shardFinished() { self.shardsLeft.subtract(1, ordering: .releasing) }
    func connectionQueued() { self.queuedCount.add(1, ordering: .relaxed) }
    func connectionDone() { self.doneCount.add(1, ordering: .relaxed) }
}
