// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Sessions that are due, those first that have been due longest: a binary heap of eight bytes a session.
struct DueSessions: Sendable {
    /// The tick it was first due at above, its place below.
    private var heap: [UInt64] = []

    var count: Int { self.heap.count }
    var bytes: Int { self.heap.capacity * MemoryLayout<UInt64>.stride }

    mutating func insert(_ id: Int32, due: UInt32) {
        self.heap.append(UInt64(due) << 32 | UInt64(UInt32(bitPattern: id)))
        var child = self.heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard self.heap[child] < self.heap[parent] else { return }
            self.heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func popFirst() -> Int32? {
        guard let first = self.heap.first, let last = self.heap.popLast() else { return nil }
        if !self.heap.isEmpty {
            self.heap[0] = last
            self.sink()
        }
        return Int32(bitPattern: UInt32(truncatingIfNeeded: first))
    }

    /// How many have been due since before a tick.
    func count(before tick: UInt32) -> Int { self.heap.count { UInt32(truncatingIfNeeded: $0 >> 32) < tick } }

    private mutating func sink() {
        var parent = 0
        while true {
            let (left, right) = (2 * parent + 1, 2 * parent + 2)
            var least = parent
            if left < self.heap.count, self.heap[left] < self.heap[least] { least = left }
            if right < self.heap.count, self.heap[right] < self.heap[least] { least = right }
            guard least != parent else { return }
            self.heap.swapAt(parent, least)
            parent = least
        }
    }
}
