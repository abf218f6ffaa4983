// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// What one subscription has that most have not; it is kept only where there is something.
struct EdgeSubscription {
    /// Who is told that it has begun.
    enum Origin {
        /// Its client, by a reply to the command.
        case command
        /// Its client, with the answer to its connect.
        case connect
        /// Its client, unasked.
        case backEnd
    }

    /// JSON shown to others as `chan_info`, or nil.
    var info: [UInt8]?
    /// When it ends, in seconds since 1970; nil for never.
    var expiresAt: Int64?
    /// The same with its grace, in the shard's 100 ms ticks; zero for never.
    var expiryTick: UInt32 = 0
    var isServerSide: Bool
    /// What only matters until it has begun.
    var beginning: Beginning?

    struct Beginning {
        var origin: Origin
        /// JSON for its client, or nil.
        var data: [UInt8]?
        /// It would rather not be than be without what was missed.
        var mustRecover = false
    }

    /// Whether there is nothing to keep once it has begun.
    var isPlain: Bool { self.info == nil && self.expiresAt == nil }
}
