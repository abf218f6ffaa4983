// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What other threads tell a shard. One message per publication and shard, never one per subscriber.
package enum ShardMessage: Sendable {
    // The data lane.
    case publication(Publication)
    case subscribed(channel: String, error: BusError?)
    case published(ConnectionID, ticket: UInt32, error: BusError?)
    /// Messages of these channels (nil: of all) may have been lost.
    case gap([String]?)
    // The control lane.
    case invalidate(Invalidation)
    case close(CloseSelector, CloseReason)
    /// Sessions whose last good validation is too old, by key.
    case closeStale(sessionKey: String)
    /// Keys to verify tokens by have changed, or could not be had.
    case keysRefreshed
    /// End all connections evenly over this time.
    case drain(window: Duration)
    case snapshot(namesUsers: Bool, @Sendable (ShardSnapshot) -> Void)
}
