// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletInstruments
import MartletReactor

/// What ends connections, and what tells of them.
extension Shard {
    private static let channelsPerSlice = 8_192
    /// Connections that one event ends at once, whatever else is under way.
    private static let endingsAtOnce = 64

    /// Ends the connections that an event names: few at once, many in slices between which others have their turn, and
    /// so the few of an event after which a turn would have done too much.
    func invalidate(_ invalidation: Invalidation, _ tally: ClosureTally? = nil) {
        let event = SweepEvent(invalidation: invalidation, tally: tally)
        guard let slots = self.slots(invalidation.target, max: Self.endingsAtOnce + 1),
            slots.count <= Self.endingsAtOnce, slots.isEmpty || self.sweepWork < Self.sweepPerTurn
        else { return self.sweep(for: event) }
        for slot in slots where self.end(slot, by: event) { self.sweepWork += Self.costOfEnding }
        tally?.shardFinished()
    }

    /// Where the connections of a target may be; nil where no index knows.
    func slots(_ target: Invalidation.Target, max: Int = .max) -> [Int32]? {
        switch target {
        case .session(let session): self.sessions.slots(hash: SlotIndex.hash(session), max: max)
        case .user(let user, _): self.users.slots(hash: SlotIndex.hash(user), max: max)
        case .token, .claim: nil
        }
    }

    /// Ends a connection if it is one that the event ends.
    func end(_ slot: Int32, by event: SweepEvent) -> Bool {
        guard let identity = self.identity(of: slot), event.invalidation.matches(identity) else { return false }
        if let tally = event.tally {
            tally.connectionQueued()
            self.ending[slot] = tally
        }
        self.edge?.end(slot, reason: event.invalidation.closeReason)
        self.metrics.revocationLag.observe(Clock.wall - event.invalidation.at)
        return true
    }

    func perform(_ command: UserCommand) -> UserOutcome {
        self.edge?.perform(command, on: self.slots(command.selector)) ?? UserOutcome()
    }

    private func slots(_ selector: ConnectionSelector) -> [Int32] {
        switch selector {
        case .session(let session):
            return self.sessions.slots(hash: SlotIndex.hash(session)).filter {
                self.identity(of: $0)?.session == session
            }
        case .token(let token):
            return self.tokens.slots(hash: SlotIndex.hash(token)).filter { self.identity(of: $0)?.token == token }
        case .connection(let id, let user):
            guard let slot = self.reactor.slot(of: id), self.identity(of: slot)?.user == user else { return [] }
            return [slot]
        case .user(let user, let session, let keep):
            return self.users.slots(hash: SlotIndex.hash(user)).filter { slot in
                guard let identity = self.identity(of: slot), identity.user == user else { return false }
                return (session == nil || identity.session == session) && !keep.contains(self.reactor.id(of: slot))
            }
        }
    }

    func closeStale(_ stale: [Identity], _ unit: ValidationUnit) {
        for identity in stale {
            guard let key = unit.key(of: identity) else { continue }
            for slot in self.users.slots(hash: SlotIndex.hash(identity.user)) {
                guard let open = self.identity(of: slot), unit.key(of: open) == key else { continue }
                self.edge?.end(slot, reason: .validationUnavailable)
            }
        }
    }

    func snapshot(namesUsers: Bool) -> ShardSnapshot {
        var snapshot = ShardSnapshot(
            channelCount: self.channels.count, topChannels: self.topChannels.found,
            subscriptions: self.subscriptionCount)
        guard namesUsers else { return snapshot }
        let identities = self.outlets.lazy.compactMap { $0.identity }
        snapshot.users = Set(identities.filter { !$0.isAnonymous }.map(\.user))
        return snapshot
    }

    func channelSlice(from start: Int) -> ChannelSlice {
        let entries = self.channels.entries
        let end = min(entries.count, start + Self.channelsPerSlice)
        guard start >= 0, start < end else { return ChannelSlice() }
        let channels = entries[start..<end].lazy.filter { !$0.subscribers.isEmpty }.map {
            ShardSnapshot.Channel(name: $0.name, subscribers: $0.subscribers.count)
        }
        return ChannelSlice(channels: Array(channels), next: end < entries.count ? end : nil)
    }
}
