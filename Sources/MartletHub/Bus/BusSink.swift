// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What a bus hands what it received to: the hub. Thread-safe, and never blocks.
package protocol BusSink: AnyObject, Sendable {
    /// The publications of one channel come in their order.
    func deliver(_ publication: Publication, to shards: ShardSet)

    /// Answers `Bus.subscribe(_:shard:)` of each of these shards; with an error the shards are no longer subscribed.
    func subscribed(_ channel: String, shards: ShardSet, error: BusError?)

    /// Messages of these channels (nil: of all) may have been lost since the last that was delivered.
    func gap(_ channels: [String]?)

    func controlReceived(_ message: [UInt8])
}
