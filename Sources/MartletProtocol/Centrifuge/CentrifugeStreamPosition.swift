// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A place in a channel's stream: an offset within one incarnation of it.
package struct CentrifugeStreamPosition: Equatable, Sendable {
    package var offset: UInt64
    package var epoch: String

    package init(offset: UInt64 = 0, epoch: String = "") {
        self.offset = offset
        self.epoch = epoch
    }
}
