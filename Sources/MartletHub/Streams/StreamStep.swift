// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// What a read of a stream leads to, in the order in which it is to be done.
struct StreamStep: Equatable {
    struct Start: Equatable {
        var waiter: Waiter
        var start: SubscriptionStart
    }

    /// Subscribers missed what cannot be had any more: those with a position lose it, the others are told.
    var isLost = false
    /// The epoch to be replaced, because the stream went back within it.
    var renewal: String?
    /// To all subscribers, before any waiter becomes one.
    var deliveries: [Publication] = []
    var starts: [Start] = []
    /// Waiters that get the bus's error.
    var failures: [Waiter] = []
    var error: BusError?
}
