// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a shard holds at one moment.
package struct ShardSnapshot: Sendable {
    package struct Channel: Equatable, Sendable {
        package var name: String
        package var subscribers: Int
    }

    /// Where they were asked for.
    package var users: Set<String> = []
    /// Channels with a subscriber.
    package var channelCount = 0
    /// Those with the most subscribers, some moments ago.
    package var topChannels: [Channel] = []
    package var subscriptions = 0
}
