// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore
import MartletInstruments
import Synchronization

/// The shards of a node as other threads see them: what the bus delivers to and the control plane asks.
package final class Hub: BusSink {
    private static let controlBacklogMax = 16_384

    private let mailboxes: [Mailbox<ShardMessage>]
    private let metrics: HubMetrics
    private let controlHandler: @Sendable ([UInt8]) -> Void
    /// Shards whose data lane refused a message and that have not been told of it.
    private let overrun = Atomic<UInt64>(0)

    /// - Parameter controlReceived: Takes what another node (or this one) sent to all nodes; on any thread.
    package init(
        mailboxes: [Mailbox<ShardMessage>], metrics: HubMetrics,
        controlReceived: @escaping @Sendable ([UInt8]) -> Void
    ) {
        precondition(mailboxes.count <= ShardSet.shardsMax, "a node has at most 64 shards")
        self.mailboxes = mailboxes
        self.metrics = metrics
        self.controlHandler = controlReceived
    }

    // MARK: - BusSink

    package func deliver(_ publication: Publication, to shards: ShardSet) {
        for shard in self.mailboxes.indices where shards.contains(shard) {
            self.post(.publication(publication), to: shard)
        }
    }

    package func subscribed(_ channel: String, shards: ShardSet, error: BusError?) {
        for shard in self.mailboxes.indices where shards.contains(shard) {
            if !self.mailboxes[shard].post(data: .subscribed(channel: channel, error: error)) {
                // What overflowed are publications; with them the acknowledgement's order no longer matters.
                self.mailboxes[shard].post(control: .subscribed(channel: channel, error: error))
            }
        }
    }

    package func gap(_ channels: [String]?) {
        for mailbox in self.mailboxes { mailbox.post(control: .gap(channels)) }
    }

    package func controlReceived(_ message: [UInt8]) { self.controlHandler(message) }

    private func post(_ message: ShardMessage, to shard: Int) {
        let bit = UInt64(1) << UInt64(shard)
        guard self.mailboxes[shard].post(data: message) else {
            self.metrics.overrun.add()
            self.overrun.bitwiseOr(bit, ordering: .relaxed)
            return
        }
        // Told once the lane takes messages again, so that the notice is not one of many.
        if self.overrun.load(ordering: .relaxed) & bit != 0,
            self.overrun.bitwiseAnd(~bit, ordering: .relaxed).oldValue & bit != 0
        {
            self.mailboxes[shard].post(control: .gap(nil))
        }
    }

    // MARK: - Control plane

    /// Tells every shard; nothing is refused.
    package func tellAll(_ message: ShardMessage) {
        for mailbox in self.mailboxes { mailbox.post(control: message) }
    }

    /// Whether a shard has more to catch up with than a producer that can wait should add to.
    package var isBehind: Bool { self.mailboxes.contains { $0.controlCount > Self.controlBacklogMax } }

    package func close(_ selector: CloseSelector, reason: CloseReason) {
        switch selector {
        case .user: self.tellAll(.close(selector, reason))
        case .connection(let id, _):
            guard Int(id.shard) < self.mailboxes.count else { return }
            self.mailboxes[Int(id.shard)].post(control: .close(selector, reason))
        }
    }

    /// One snapshot a shard, each taken on its own thread.
    package func snapshots() async -> [ShardSnapshot] {
        var snapshots: [ShardSnapshot] = []
        for mailbox in self.mailboxes {
            let snapshot = await withCheckedContinuation { continuation in
                mailbox.post(control: .snapshot { continuation.resume(returning: $0) })
            }
            snapshots.append(snapshot)
        }
        return snapshots
    }
}
