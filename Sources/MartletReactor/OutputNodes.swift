// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The links of all output queues of a loop: a frame and what follows it, eight bytes a queued delivery.
final class OutputNodes {
    struct Node: BitwiseCopyable {
        var frame: Int32
        var next: Int32
    }

    private static let capacity = 1 << 24
    private static let trimThreshold: Int32 = 65_536

    private let nodes: MappedArray<Node>
    private var firstFree: Int32 = -1
    private var usedCount: Int32 = 0
    private var highWater: Int32 = 0
    private(set) var liveCount: Int32 = 0

    init() throws(ReactorError) { self.nodes = try MappedArray(capacity: Self.capacity) }

    func unmap() { self.nodes.unmap() }

    subscript(index: Int32) -> Node {
        @inline(__always) get { self.nodes[Int(index)] }
        @inline(__always) _modify { yield &self.nodes[Int(index)] }
    }

    /// A node for `frame`, or -1 when all are in use.
    @inline(__always)
    func insert(_ frame: Int32) -> Int32 {
        let index = self.firstFree
        guard index >= 0 else { return self.insertUnused(frame) }
        self.firstFree = self.nodes[Int(index)].next
        self.nodes[Int(index)].frame = frame
        self.liveCount += 1
        return index
    }

    @inline(__always)
    func remove(_ index: Int32) {
        self.nodes[Int(index)].next = self.firstFree
        self.firstFree = index
        self.liveCount -= 1
    }

    /// With nothing queued anywhere: begins anew at the first node, and gives back what a burst made resident.
    func trim() {
        guard self.liveCount == 0, self.highWater > Self.trimThreshold else { return }
        self.firstFree = -1
        self.usedCount = 0
        self.highWater = 0
        self.nodes.discard(from: Int(Self.trimThreshold))
    }

    private func insertUnused(_ frame: Int32) -> Int32 {
        guard Int(self.usedCount) < Self.capacity else { return -1 }
        let index = self.usedCount
        self.usedCount += 1
        self.highWater = max(self.highWater, self.usedCount)
        self.nodes[Int(index)].frame = frame
        self.liveCount += 1
        return index
    }
}
