// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// One entry of a channel's flat array of subscribers: all that a delivery needs to know.
struct Subscriber {
    var slot: Int32
    var format: WireFormat
    var flags: SubscriptionFlags
}
