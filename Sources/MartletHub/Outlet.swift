// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// The write end of a connection inside a shard, found by the connection's slot.
struct Outlet {
    var identity: Identity?
    var subscriptions = SubscriptionList()
    var format = WireFormat.centrifugeJSON
    /// Tells one connection of a slot from the next.
    var generation: UInt32 = 0
}
