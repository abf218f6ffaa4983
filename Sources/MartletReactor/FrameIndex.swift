// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Names bytes in a loop's frame table. Meaningful on that loop only, and for the turn it was made in, or as long as a
/// connection has it queued or it is held.
package struct FrameIndex: Hashable, Sendable {
    let rawValue: Int32
}
