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

    /// Publishes to all nodes. `completion` is called exactly once, on any thread: with the position it got in the
    /// channel's stream, nil where nothing is kept, or why it was not published.
    func publish(
        _ publication: Publication, _ options: PublishOptions,
        completion: @escaping @Sendable (Result<StreamPosition?, BusError>) -> Void)

    /// Reads of a channel's stream. Here and below `completion` is called exactly once, on any thread.
    func history(
        _ channel: String, _ query: HistoryQuery,
        completion: @escaping @Sendable (Result<HistoryPage, BusError>) -> Void)

    /// Forgets a channel's publications; its position stays.
    func removeHistory(_ channel: String, completion: @escaping @Sendable (BusError?) -> Void)

    /// Begins a new incarnation of a stream that is found to have gone back, if it is still in this epoch.
    func renewStream(_ channel: String, from epoch: String, completion: @escaping @Sendable (BusError?) -> Void)

    /// Remembers that a connection of this node is in a channel, until `leave`, or until the node is no more.
    ///
    /// - Parameter info: The JSON of its `ClientInfo`.
    func enter(_ channel: String, client: String, info: [UInt8])

    func leave(_ channel: String, client: String)

    /// Who is in a channel, on all nodes.
    func presence(
        _ channel: String, completion: @escaping @Sendable (Result<[PresenceEntry], BusError>) -> Void)

    func presenceStats(
        _ channel: String, completion: @escaping @Sendable (Result<PresenceStats, BusError>) -> Void)

    /// Sends a small message to every node, this one included, where it comes as `BusSink.controlReceived(_:)`.
    func broadcast(_ message: [UInt8], completion: @escaping @Sendable (BusError?) -> Void)

    /// Sends a small message to one node, by its identifier; false where no node listens under it.
    func send(
        _ message: [UInt8], to node: String, completion: @escaping @Sendable (Result<Bool, BusError>) -> Void)

    var health: BusHealth { get }
}
