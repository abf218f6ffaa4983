// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Finds where eight bytes stand in the base of a delta: a hash table over every fourth place of it.
struct FossilDeltaIndex {
    /// Bytes that are looked up at once, and so the shortest copy that is found.
    static let window = 8
    /// Places with one hash that are looked at.
    static let candidatesMax = 8
    private static let stride = 4

    private var heads: [Int32]
    /// The block before with the same hash.
    private var chain: [Int32]
    private let shift: UInt64

    /// Nil where there is nothing to be found.
    init?(_ base: Span<UInt8>) {
        guard base.count >= Self.window else { return nil }
        let count = (base.count - Self.window) / Self.stride + 1
        let bits = max(4, Int.bitWidth - count.leadingZeroBitCount)
        self.heads = Array(repeating: -1, count: 1 << bits)
        self.chain = Array(repeating: -1, count: count)
        self.shift = UInt64(64 - bits)
        // Backwards, so that of equal blocks the first is found first.
        for block in (0..<count).reversed() {
            var word: UInt64 = 0
            let start = block * Self.stride
            for index in start..<(start + Self.window) { word = word << 8 | UInt64(base[index]) }
            let hash = self.hash(word)
            self.chain[block] = self.heads[hash]
            self.heads[hash] = Int32(truncatingIfNeeded: block)
        }
    }

    private func hash(_ word: UInt64) -> Int { Int(truncatingIfNeeded: (word &* 0x9E37_79B9_7F4A_7C15) >> self.shift) }

    /// The first block that may hold these bytes, below zero for none.
    func first(_ word: UInt64) -> Int32 { self.heads[self.hash(word)] }

    func next(_ block: Int32) -> Int32 { block < 0 ? -1 : self.chain[Int(block)] }

    func start(of block: Int32) -> Int? { block < 0 ? nil : Int(block) * Self.stride }
}
