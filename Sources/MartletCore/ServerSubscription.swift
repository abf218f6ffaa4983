// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A subscription that is made for a connection and not by it: its token, the back-end or the API asks for it.
package struct ServerSubscription: Hashable, Sendable {
    package var channel: String
    /// JSON shown to others as `chan_info`, or nil.
    package var info: [UInt8]?
    /// JSON given to the subscriber with the subscription, or nil.
    package var data: [UInt8]?
    /// When it ends, in seconds since 1970; nil for never.
    package var expiresAt: Int64?
    package var overrides = SubscriptionOverrides()

    package init(channel: String) { self.channel = channel }
}
