// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The links of all output queues of a loop: a frame and what follows it, eight bytes a queued delivery.
final class OutputNodes {
    struct Node: BitwiseCopyable {
        var frame: Int32
        var next: Int32
    }

    private static let capacity = 1 << 24
    private static let trimThreshold: Int32 = 262_144

    private let nodes: MappedArray<Node>
    private var firstFree: Int32 = -1
    /// Nodes used since the last time that none was; those above cost no memory.
    private var usedCount: Int32 = 0
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
        var index = self.firstFree
        if index >= 0 {
            self.firstFree = self.nodes[Int(index)].next
        } else {
            index = self.usedCount
            guard Int(index) < Self.capacity else { return -1 }
            self.usedCount = index + 1
        }
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

    /// With nothing queued anywhere, begins anew at the first node: what one turn queues then lies side by side. Gives
    /// back what a burst made resident.
    func trim() {
        guard self.liveCount == 0, self.usedCount > 0 else { return }
        if self.usedCount > Self.trimThreshold { self.nodes.discard(from: Int(Self.trimThreshold)) }
        self.firstFree = -1
        self.usedCount = 0
    }
}
