// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What a back-end service wants done with connections that are open.
package enum UserCommand: Sendable {
    /// A subscription that the server makes.
    package struct Subscription: Sendable {
        package var channel: String
        /// JSON on one line for the channel's `ClientInfo`, or nil.
        package var info: [UInt8]?
        /// JSON on one line for the client, or nil.
        package var data: [UInt8]?
        package var since: StreamPosition?
        /// Seconds since 1970, or nil.
        package var expiresAt: Int64?
        /// What holds in place of the namespace's options.
        package var overrides: SubscriptionOverrides

        package init(channel: String, overrides: SubscriptionOverrides = SubscriptionOverrides()) {
            self.channel = channel
            self.overrides = overrides
        }
    }

    case subscribe(ConnectionSelector, Subscription)
    case unsubscribe(ConnectionSelector, channel: String)
    case disconnect(ConnectionSelector, CloseNotice)
    /// - Parameters:
    ///   - expired: The connections end as expired.
    ///   - expiresAt: When the connections expire from now on, in seconds since 1970; nil: never.
    ///   - info: JSON that takes the place of the connections' `conn_info`, or nil.
    case refresh(ConnectionSelector, expired: Bool, expiresAt: Int64?, info: [UInt8]?)
    /// Describes the connections.
    case describe(ConnectionSelector)

    package var selector: ConnectionSelector {
        switch self {
        case .subscribe(let selector, _), .unsubscribe(let selector, _), .disconnect(let selector, _),
            .refresh(let selector, _, _, _), .describe(let selector):
            selector
        }
    }
}
