// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The bytes that wait to be sent on a loop, each kept once however many connections it goes to.
///
/// References are plain integers: the loop's thread alone counts them. The turn that makes a frame holds it until its
/// end, so that it may be queued as often as needed; then the last queue that sends it frees it.
final class FrameTable {
    @safe
    struct Frame: BitwiseCopyable {
        /// Valid while there are references; freed with the last.
        @unsafe var bytes: UnsafeMutablePointer<UInt8>?
        /// Bytes of a frame in use; of a free one the next free.
        var count: Int32
        var references: Int32
    }

    private static let capacity = 1 << 22
    private static let trimThreshold: Int32 = 4096

    private let frames: MappedArray<Frame>
    private var firstFree: Int32 = -1
    private var usedCount: Int32 = 0
    private(set) var liveCount: Int32 = 0
    private var ofTurn: [Int32] = []

    init() throws(ReactorError) { self.frames = try MappedArray(capacity: Self.capacity) }

    /// Frees what is left of frames, and the table.
    func unmap() {
        for index in 0..<self.usedCount where self.frames[Int(index)].references > 0 {
            unsafe free(self.frames[Int(index)].bytes)
        }
        self.frames.unmap()
    }

    /// A frame with a copy of `bytes`, held until the end of the turn; -1 when there is no room or no memory.
    ///
    /// - Parameter isDroppable: Whether a connection that falls behind may go without it. Kept in a byte behind the
    ///   others, because nothing but a drop ever asks.
    func insert(_ bytes: Span<UInt8>, isDroppable: Bool = false) -> Int32 {
        guard bytes.count <= Int(Int32.max), let memory = unsafe malloc(bytes.count + 1) else { return -1 }
        let index: Int32
        if self.firstFree >= 0 {
            index = self.firstFree
            self.firstFree = self.frames[Int(index)].count
        } else if Int(self.usedCount) < Self.capacity {
            index = self.usedCount
            self.usedCount += 1
        } else {
            unsafe free(memory)
            return -1
        }
        // Both are at least as long as the count, and the new block overlaps nothing.
        unsafe bytes.withUnsafeBufferPointer { source in
            if let start = source.baseAddress { unsafe memcpy(memory, start, source.count) }
        }
        unsafe memory.storeBytes(of: isDroppable ? 1 : 0, toByteOffset: bytes.count, as: UInt8.self)
        unsafe self.frames[Int(index)] = Frame(
            bytes: memory.assumingMemoryBound(to: UInt8.self), count: Int32(bytes.count), references: 1)
        self.liveCount += 1
        self.ofTurn.append(index)
        return index
    }

    /// Adds a holder and tells how many bytes it holds; -1 where there is no such frame.
    @inline(__always)
    func retain(_ index: Int32) -> Int32 {
        guard index >= 0, index < self.usedCount, self.frames[Int(index)].references > 0 else { return -1 }
        self.frames[Int(index)].references += 1
        return self.frames[Int(index)].count
    }

    @inline(__always)
    func release(_ index: Int32) {
        let references = self.frames[Int(index)].references - 1
        self.frames[Int(index)].references = references
        if references == 0 { self.remove(index) }
    }

    /// The same from above, where the caller may be wrong about a frame.
    func releaseHeld(_ index: Int32) {
        guard index >= 0, index < self.usedCount, self.frames[Int(index)].references > 0 else { return }
        self.release(index)
    }

    @inline(__always)
    func count(of index: Int32) -> Int { Int(self.frames[Int(index)].count) }

    func isDroppable(_ index: Int32) -> Bool {
        guard let bytes = unsafe self.frames[Int(index)].bytes else { return false }
        return unsafe bytes[self.count(of: index)] != 0
    }

    /// The bytes of a frame in use, valid until its last holder is gone.
    @unsafe
    func bytes(of index: Int32) -> UnsafeMutablePointer<UInt8>? { unsafe self.frames[Int(index)].bytes }

    /// The turn lets go of the frames it made.
    func endTurn() {
        guard !self.ofTurn.isEmpty else { return }
        for index in self.ofTurn { self.release(index) }
        self.ofTurn.removeAll(keepingCapacity: self.ofTurn.count <= Int(Self.trimThreshold))
        // Nothing is left: begin anew at the first row, and give back what a burst made resident.
        if self.liveCount == 0 {
            if self.usedCount > Self.trimThreshold { self.frames.discard(from: Int(Self.trimThreshold)) }
            self.firstFree = -1
            self.usedCount = 0
        }
    }

    private func remove(_ index: Int32) {
        unsafe free(self.frames[Int(index)].bytes)
        unsafe self.frames[Int(index)] = Frame(bytes: nil, count: self.firstFree, references: 0)
        self.firstFree = index
        self.liveCount -= 1
    }
}
