// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore
import MartletInstruments

/// The shards of a node as other threads see them: what the bus delivers to and the control plane asks.
package final class Hub: BusSink {
    private static let controlBacklogMax = 16_384
    /// Events a shard, of those that many connections are looked through for.
    private static let sweepBacklogMax = 4_096

    private let mailboxes: [Mailbox<ShardMessage>]
    private let metrics: HubMetrics
    private let controlHandler: @Sendable ([UInt8]) -> Void

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
            // A shard tells its subscribers of a gap where its lane was full.
            if !self.mailboxes[shard].post(data: .publication(publication)) { self.metrics.overrun.add() }
        }
    }

    package func subscribed(_ channel: String, shards: ShardSet, error: BusError?) {
        for shard in self.mailboxes.indices where shards.contains(shard) {
            self.mailboxes[shard].post(vital: .subscribed(channel: channel, error: error))
        }
    }

    package func gap(_ channels: [String]?) {
        for mailbox in self.mailboxes { mailbox.post(vital: .gap(channels)) }
    }

    package func controlReceived(_ message: [UInt8]) { self.controlHandler(message) }

    // MARK: - Control plane

    /// Tells every shard to end what an invalidation ends, and to count it.
    package func invalidate(_ invalidation: Invalidation, _ tally: ClosureTally) {
        tally.told(shards: self.mailboxes.count)
        self.tellAll(.invalidate(invalidation, tally: tally))
    }

    /// Tells every shard; nothing is refused.
    package func tellAll(_ message: ShardMessage) {
        for mailbox in self.mailboxes { mailbox.post(control: message) }
    }

    /// Sends so many connections to other nodes, each shard its part of them.
    package func shed(_ count: Int, over window: Duration) {
        let (each, rest) = count.quotientAndRemainder(dividingBy: max(1, self.mailboxes.count))
        // The rest goes to other shards each time, so that none is the smallest in the end.
        let first = Int.random(in: self.mailboxes.indices)
        for index in self.mailboxes.indices {
            let place = (index + first) % self.mailboxes.count
            let part = each + (place < rest ? 1 : 0)
            if part > 0 { self.mailboxes[index].post(control: .shed(part, over: window)) }
        }
    }

    /// Lets stay who was to be sent away and is still here.
    package func stopShedding() { self.tellAll(.shed(0, over: .zero)) }

    /// Whether a shard has more to catch up with than a producer that can wait should add to.
    package var isBehind: Bool {
        // All of it may wait for one shard, which must not come to where it does nothing else.
        self.metrics.sweepsWaiting.current > min(Self.sweepBacklogMax * self.mailboxes.count, Shard.sweepsMax / 2)
            || self.mailboxes.contains { $0.controlCount > Self.controlBacklogMax }
    }

    /// Events that the shards may not be through with, at most and about.
    package var backlog: Int {
        (self.mailboxes.map(\.controlCount).max() ?? 0) + self.metrics.sweepsWaiting.current
    }

    /// What all shards together did.
    package func perform(_ command: UserCommand) async -> UserOutcome {
        var sum = UserOutcome()
        for mailbox in self.mailboxes(of: command.selector) {
            let outcome = await withCheckedContinuation { continuation in
                let isTaken = mailbox.post(control: .user(command) { continuation.resume(returning: $0) })
                if !isTaken { continuation.resume(returning: UserOutcome()) }
            }
            sum.count += outcome.count
            sum.connections += outcome.connections
            sum.identities += outcome.identities
        }
        return sum
    }

    private func mailboxes(of selector: ConnectionSelector) -> [Mailbox<ShardMessage>] {
        switch selector {
        case .user, .session, .token: self.mailboxes
        case .connection(let id, _):
            Int(id.shard) < self.mailboxes.count ? [self.mailboxes[Int(id.shard)]] : []
        }
    }

    /// Hands a client's commands to its connection; false where its shard is not one of ours.
    package func emulate(_ id: ConnectionID, _ commands: [UInt8]) -> Bool {
        guard Int(id.shard) < self.mailboxes.count else { return false }
        return self.mailboxes[Int(id.shard)].post(control: .emulated(id, commands))
    }

    /// One snapshot a shard, each taken on its own thread.
    ///
    /// - Parameter namesUsers: For who asks now and then: it takes a shard milliseconds where connections are many.
    package func snapshots(namesUsers: Bool = false) async -> [ShardSnapshot] {
        var snapshots: [ShardSnapshot] = []
        for mailbox in self.mailboxes {
            let snapshot = await withCheckedContinuation { continuation in
                let isTaken = mailbox.post(
                    control: .snapshot(namesUsers: namesUsers) { continuation.resume(returning: $0) })
                // The shard has ended, and would never answer.
                if !isTaken { continuation.resume(returning: ShardSnapshot()) }
            }
            snapshots.append(snapshot)
        }
        return snapshots
    }

    /// The channels that have subscribers here, with how many. The shards only name them, a part at a time; what is
    /// asked of a name is found out on the caller's thread.
    package func channels(where isIncluded: @Sendable (String) -> Bool = { _ in true }) async -> [String: Int] {
        var channels: [String: Int] = [:]
        for mailbox in self.mailboxes {
            var start: Int? = 0
            while let from = start {
                let slice = await withCheckedContinuation { continuation in
                    let isTaken = mailbox.post(control: .channels(from: from) { continuation.resume(returning: $0) })
                    if !isTaken { continuation.resume(returning: ChannelSlice()) }
                }
                for channel in slice.channels where isIncluded(channel.name) {
                    channels[channel.name, default: 0] += channel.subscribers
                }
                start = slice.next
            }
        }
        return channels
    }
}
