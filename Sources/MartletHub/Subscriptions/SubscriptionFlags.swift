// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What is particular about one subscription; kept with the subscriber, so it must stay small.
package struct SubscriptionFlags: OptionSet, Hashable, Sendable {
    package var rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// It is told when its position is lost, rather than of a gap.
    package static let positioned = SubscriptionFlags(rawValue: 1 << 0)
    /// It may come back with its position and be given what it missed.
    package static let recoverable = SubscriptionFlags(rawValue: 1 << 1)
    /// Comings and goings of others are told to it.
    package static let joinLeave = SubscriptionFlags(rawValue: 1 << 2)
    /// It is in the channel's presence.
    package static let present = SubscriptionFlags(rawValue: 1 << 3)
    /// Its own coming and going is told.
    package static let announced = SubscriptionFlags(rawValue: 1 << 4)
    /// The server subscribed it.
    package static let serverSide = SubscriptionFlags(rawValue: 1 << 5)
    /// What comes is kept until `Shard.release`.
    package static let held = SubscriptionFlags(rawValue: 1 << 6)

    /// It is given patches where they are shorter.
    package static let delta = SubscriptionFlags(rawValue: 1 << 7)
    /// It was given the channel's latest publication, so that the next may come as a patch.
    static let based = SubscriptionFlags(rawValue: 1 << 8)

    /// Others may see that it ends.
    static let told: SubscriptionFlags = [.present, .announced]
}
