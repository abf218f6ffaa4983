// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What a shard tells the protocols on its connections; called on the shard's thread only.
package protocol ShardEdge: AnyObject {
    /// A pending subscription became active (nothing of the channel has been sent yet), or failed.
    func subscribed(_ slot: Int32, channel: String, ticket: UInt32, error: BusError?)
    /// The outcome of a publish that this connection asked for.
    func published(_ slot: Int32, ticket: UInt32, error: BusError?)
    /// Messages of a channel that this connection subscribes to may have been lost.
    func missed(_ slot: Int32, channel: String)
    /// Say goodbye in the connection's protocol and finish it.
    func end(_ slot: Int32, reason: CloseReason)
    func keysRefreshed()
    func drain(window: Duration)
}
