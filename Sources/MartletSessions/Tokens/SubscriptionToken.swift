// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What a token for one channel says, once it was found to be good.
package struct SubscriptionToken: Hashable, Sendable {
    /// `sub`: whose it is; empty for an anonymous connection's.
    package var user: String
    package var channel: String
    /// The one connection it is for; empty for any.
    package var client: String
    /// JSON shown to others as `chan_info`, or nil.
    package var info: [UInt8]?
    /// When the subscription ends, in seconds since 1970; nil for never.
    package var expiresAt: Int64?
    package var overrides: SubscriptionOverrides

    package init(
        user: String, channel: String, client: String = "", info: [UInt8]? = nil, expiresAt: Int64? = nil,
        overrides: SubscriptionOverrides = SubscriptionOverrides()
    ) {
        self.user = user
        self.channel = channel
        self.client = client
        self.info = info
        self.expiresAt = expiresAt
        self.overrides = overrides
    }
}
