// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a shard holds at one moment.
package struct ShardSnapshot: Sendable {
    /// Where they were asked for.
    package var users: Set<String> = []
    /// Subscribers by channel.
    package var channels: [String: Int] = [:]
    package var subscriptions = 0
}
