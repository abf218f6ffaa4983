// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What carries publications and small messages between the nodes of a cluster.
///
/// A node's hub tells its bus which channels its shards want, and the bus tells the hub, as its `BusSink`, what came.
/// Everything here may be called from any thread and never blocks.
package protocol Bus: AnyObject, Sendable {
    /// A shard's first subscriber of a channel came.
    ///
    /// When everything published from now on is certain to arrive, `BusSink.subscribed(_:shards:error:)` is called.
    func subscribe(_ channel: String, shard: Int)

    /// A shard's last subscriber of a channel went.
    func unsubscribe(_ channel: String, shard: Int)

    /// Publishes to all nodes. `completion` is called exactly once, on any thread: nil, or why it was not published.
    func publish(_ publication: Publication, completion: @escaping @Sendable (BusError?) -> Void)

    /// Sends a small message to every node, this one included, where it comes as `BusSink.controlReceived(_:)`.
    func broadcast(_ message: [UInt8], completion: @escaping @Sendable (BusError?) -> Void)

    var health: BusHealth { get }
}
