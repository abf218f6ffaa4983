// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Some of a node's shards, which are numbered 0 to 63.
package struct ShardSet: Hashable, Sendable, Sequence, ExpressibleByArrayLiteral, CustomStringConvertible {
    /// A node has no more shards than this.
    package static let shardsMax = 64

    /// Bit n stands for shard n.
    package private(set) var rawValue: UInt64

    package init(rawValue: UInt64 = 0) { self.rawValue = rawValue }

    package init(arrayLiteral elements: Int...) {
        self.init()
        for shard in elements { self.insert(shard) }
    }

    /// The shards 0 to `count` - 1.
    package static func first(_ count: Int) -> ShardSet {
        precondition((0...Self.shardsMax).contains(count), "a node has at most 64 shards")
        return ShardSet(rawValue: count == Self.shardsMax ? .max : 1 << UInt64(count) - 1)
    }

    package var isEmpty: Bool { self.rawValue == 0 }
    package var count: Int { self.rawValue.nonzeroBitCount }

    package func contains(_ shard: Int) -> Bool { self.rawValue & Self.bit(shard) != 0 }
    package mutating func insert(_ shard: Int) { self.rawValue |= Self.bit(shard) }
    package mutating func remove(_ shard: Int) { self.rawValue &= ~Self.bit(shard) }
    package mutating func formUnion(_ other: ShardSet) { self.rawValue |= other.rawValue }
    package func union(_ other: ShardSet) -> ShardSet { ShardSet(rawValue: self.rawValue | other.rawValue) }
    package func subtracting(_ other: ShardSet) -> ShardSet { ShardSet(rawValue: self.rawValue & ~other.rawValue) }

    package var description: String { "\(Array(self))" }

    package func makeIterator() -> Iterator { Iterator(rest: self.rawValue) }

    /// The shards in rising order.
    package struct Iterator: IteratorProtocol {
        fileprivate var rest: UInt64

        package mutating func next() -> Int? {
            guard self.rest != 0 else { return nil }
            let shard = self.rest.trailingZeroBitCount
            self.rest &= self.rest - 1
            return shard
        }
    }

    private static func bit(_ shard: Int) -> UInt64 {
        precondition((0..<Self.shardsMax).contains(shard), "a node has at most 64 shards")
        return 1 << UInt64(shard)
    }
}
