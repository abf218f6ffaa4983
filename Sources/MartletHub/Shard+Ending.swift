// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletInstruments
import MartletReactor

/// What ends connections, and what tells of them.
extension Shard {
    private static let channelsPerSlice = 8_192

    func invalidate(_ invalidation: Invalidation, _ tally: ClosureTally? = nil) {
        defer { tally?.shardFinished() }
        let lag = Clock.wall - invalidation.at
        for slot in self.candidates(invalidation.target) {
            guard let identity = self.identity(of: slot), invalidation.matches(identity) else { continue }
            if let tally {
                tally.connectionQueued()
                self.ending[slot] = tally
            }
            self.edge?.end(slot, reason: invalidation.closeReason)
            self.metrics.revocationLag.observe(lag)
        }
    }

    private func candidates(_ target: Invalidation.Target) -> [Int32] {
        switch target {
        case .session(let session): self.sessions.slots(hash: SlotIndex.hash(session))
        case .user(let user, _): self.users.slots(hash: SlotIndex.hash(user))
        // Rare enough that a sweep is cheaper than an index of every connection's token.
        case .token, .claim: (0..<Int32(self.outlets.count)).filter { self.outlets[Int($0)].identity != nil }
        }
    }

    func perform(_ command: UserCommand) -> UserOutcome {
        self.edge?.perform(command, on: self.slots(command.selector)) ?? UserOutcome()
    }

    private func slots(_ selector: ConnectionSelector) -> [Int32] {
        switch selector {
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

    func closeStale(_ key: String) {
        for slot in 0..<Int32(self.outlets.count) {
            guard let identity = self.identity(of: slot), !identity.isAnonymous, identity.sessionKey == key else {
                continue
            }
            self.edge?.end(slot, reason: .validationUnavailable)
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
