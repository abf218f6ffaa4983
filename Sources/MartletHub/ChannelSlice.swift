// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A part of a shard's channels: as many as it names in one go without keeping its connections waiting.
package struct ChannelSlice: Sendable {
    package var channels: [ShardSnapshot.Channel] = []
    /// Where to go on; nil at the end.
    package var next: Int?
}
