// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What other threads tell a shard. One message per publication and shard, never one per subscriber.
package enum ShardMessage: Sendable {
    // The data lane.
    case publication(Publication)
    case subscribed(channel: String, error: BusError?)
    /// Messages of these channels (nil: of all) may have been lost.
    case gap([String]?)
    /// What a read of a channel's stream brought.
    case streamRead(channel: String, number: UInt64, Result<HistoryPage, BusError>)
    /// The attempt to begin a new epoch of a stream has ended.
    case streamRenewed(channel: String)
    // The control lane.
    case completed(ConnectionID, ticket: UInt32, Completion)
    case invalidate(Invalidation, tally: ClosureTally? = nil)
    case user(UserCommand, @Sendable (UserOutcome) -> Void)
    /// Commands of a client whose answers go over a stream, once it has proved whose client it is.
    case emulated(ConnectionID, [UInt8])
    /// Sessions (or whatever the authority is asked about) whose last good answer is too old.
    case closeStale([Identity], ValidationUnit)
    /// Keys to verify tokens by have changed, or could not be had.
    case keysRefreshed
    /// The configuration was read again.
    case reconfigured(Limits, NamespaceTable)
    /// End all connections evenly over this time.
    case drain(window: Duration)
    /// Those that are left of a drain stay.
    case drainTakenBack
    /// Send so many connections to other nodes evenly over this time, those first that said nothing for long.
    case shed(Int, over: Duration)
    case snapshot(namesUsers: Bool, @Sendable (ShardSnapshot) -> Void)
    /// Names channels, from a place in the shard's table on.
    case channels(from: Int, @Sendable (ChannelSlice) -> Void)
}
