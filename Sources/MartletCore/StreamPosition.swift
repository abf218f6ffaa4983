// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A place in a channel's stream: how many publications precede what comes next, and in which incarnation of it.
package struct StreamPosition: Hashable, Sendable {
    /// The offset of the last publication; 0 before the first.
    package var offset: UInt64
    /// Names the incarnation of the stream. Positions of different epochs say nothing of each other.
    package var epoch: String

    package init(offset: UInt64 = 0, epoch: String = "") {
        self.offset = offset
        self.epoch = epoch
    }
}
