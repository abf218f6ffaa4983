// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Names one connection of a node for as long as the node runs.
///
/// A slot of a shard's connection table is used again after its connection ends; the generation tells the two apart,
/// so that a message which arrives late (an acknowledgement, a close) reaches the connection it was meant for or none.
package struct ConnectionID: Hashable, Sendable {
    /// Shard in the top 8 bits, then 24 bits of generation, then 32 bits of slot.
    package let rawValue: UInt64

    package init(shard: UInt8, generation: UInt32, slot: Int32) {
        self.rawValue =
            UInt64(shard) << 56 | UInt64(generation & 0x00FF_FFFF) << 32 | UInt64(UInt32(bitPattern: slot))
    }

    /// The one of this number.
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }

    package var shard: UInt8 { UInt8(truncatingIfNeeded: self.rawValue >> 56) }
    package var generation: UInt32 { UInt32(truncatingIfNeeded: self.rawValue >> 32) & 0x00FF_FFFF }
    package var slot: Int32 { Int32(truncatingIfNeeded: self.rawValue) }
}
