// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Answers without a lock that a key is not in the table: what nearly every look-up asks.
///
/// A Bloom filter whose three bits a key stand in one word, so that an answer costs one line of cache: 8 KB a segment,
/// 7 bits a key and one wrong "perhaps" in twenty where the table is full, one in thousands where it is not half full.
/// It is as large as the table may ever be, from the beginning: one that grew could only be reached by counting
/// references, and the counters are lines that all threads write.
///
/// Whoever changes a segment's words holds that segment's lock. Who asks meets words that are each as they were before
/// a change or after it, and neither lacks a key that stays.
final class RevocationFilter: Sendable {
    private static let wordsPerSegment = 1_024

    /// What belongs to one segment.
    private final class Block: Sendable {
        let words = InlineArray<1_024, Atomic<UInt64>> { _ in Atomic(0) }
    }

    private let blocks: [Block]

    init(segments: Int) { self.blocks = (0..<segments).map { _ in Block() } }

    var bytes: Int { self.blocks.count * MemoryLayout<UInt64>.stride * Self.wordsPerSegment }

    /// False where the key is certainly not there.
    @inline(__always)
    func mayHold(_ key: SipHash.Digest, segment: Int) -> Bool {
        let bits = Self.bits(key)
        return self.blocks[segment].words[Self.word(key)].load(ordering: .acquiring) & bits == bits
    }

    /// Called under the segment's lock.
    func add(_ key: SipHash.Digest, segment: Int) {
        let (block, word) = (self.blocks[segment], Self.word(key))
        block.words[word].store(block.words[word].load(ordering: .relaxed) | Self.bits(key), ordering: .releasing)
    }

    /// Forgets all other keys of the segment; called under its lock.
    func replace(with slots: RevocationSlots, segment: Int) {
        var words = [UInt64](repeating: 0, count: Self.wordsPerSegment)
        slots.forEachKey { words[Self.word($0)] |= Self.bits($0) }
        let block = self.blocks[segment]
        for index in words.indices { block.words[index].store(words[index], ordering: .releasing) }
    }

    // The lowest bits of `low` name the segment, the highest of `high` the place in it.

    @inline(__always)
    private static func word(_ key: SipHash.Digest) -> Int {
        Int(truncatingIfNeeded: key.low >> 20) & (Self.wordsPerSegment - 1)
    }

    @inline(__always)
    private static func bits(_ key: SipHash.Digest) -> UInt64 {
        1 &<< (key.low >> 32) | 1 &<< (key.low >> 38) | 1 &<< (key.low >> 44)
    }
}
