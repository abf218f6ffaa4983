// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// A subscription that waits: for the bus to acknowledge the channel, or for a read of its stream.
struct Waiter: Equatable {
    var slot: Int32
    /// The caller's own number for the command, given back with the outcome.
    var ticket: UInt32
    var flags: SubscriptionFlags
    var since: StreamPosition?
    var recovery: NamespaceOptions.Recovery
    /// Whether the read under way asks for all that it needs, so that what is not there cannot be had.
    var isAsked = false

    init(slot: Int32, _ options: SubscribeOptions) {
        self.slot = slot
        self.ticket = options.ticket
        self.flags = options.flags
        self.since = options.recovery == .off ? nil : options.since
        self.recovery = options.recovery
    }
}
