// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What a shard tells the protocols on its connections; called on the shard's thread only.
package protocol ShardEdge: AnyObject {
    /// A pending subscription became active (nothing of the channel has been sent yet), or failed.
    func subscribed(_ slot: Int32, channel: String, ticket: UInt32, _ result: Result<SubscriptionStart, BusError>)
    /// The outcome of what was asked under this ticket.
    func completed(_ slot: Int32, ticket: UInt32, _ completion: Completion)
    /// A publication was sent in a format that leaves its end to the connection.
    func sent(_ slot: Int32, _ publication: Publication)
    /// Messages of a channel that this connection subscribes to may have been lost.
    func missed(_ slot: Int32, channel: String)
    /// A positioned subscription lost its place and was ended.
    func lost(_ slot: Int32, channel: String, flags: SubscriptionFlags)
    /// A subscription ended that others may see: it was in the channel's presence, or was announced.
    func left(_ slot: Int32, channel: String, flags: SubscriptionFlags)
    /// Does what a back-end service wants done to these connections.
    func perform(_ command: UserCommand, on slots: [Int32]) -> UserOutcome
    /// Commands that came by another way than the connection.
    func emulated(_ slot: Int32, _ commands: [UInt8])
    /// Say goodbye in the connection's protocol and finish it.
    func end(_ slot: Int32, reason: CloseReason)
    func keysRefreshed()
    /// Other limits and namespaces hold from now on; what was admitted before stays.
    func reconfigured(limits: Limits, namespaces: NamespaceTable)
    func drain(window: Duration)
    func drainTakenBack()
    func shed(_ count: Int, over window: Duration)
}
