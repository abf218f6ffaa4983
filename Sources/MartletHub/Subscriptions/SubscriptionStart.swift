// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// With what a subscription begins.
package struct SubscriptionStart: Equatable, Sendable {
    /// Where the subscriber stands before `publications`; nil where the channel has no stream.
    ///
    /// After a recovery that is the position asked for, otherwise the stream's top.
    package var position: StreamPosition?
    /// What was missed, oldest first.
    package var publications: [Publication] = []
    package var recovered = false
    /// Whether recovery was asked for at all.
    package var wasRecovering = false

    package init(position: StreamPosition? = nil) { self.position = position }
}
