// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// A subscription that a connection has.
package struct Subscription: Equatable, Sendable {
    package var channel: String
    package var flags: SubscriptionFlags
    /// Up to where it has been given the channel's stream; nil where there is none.
    package var position: StreamPosition?
}
