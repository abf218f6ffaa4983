// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletInstruments
import MartletReactor

/// What ends connections, and what tells of them.
extension Shard {
    private static let channelsPerSlice = 8_192

    /// What one turn does for events that concern many connections, in connections looked at: some milliseconds. One
    /// that must be ended counts as so many.
    private static let sweepPerTurn = 16_384
    private static let costOfEnding = 32
    /// Connections that are ended at once, whatever else is under way.
    private static let endingsAtOnce = 64
    /// Events that wait for their turn; with more, whoever reads them must wait.
    private static let sweepsMax = 64

    /// One event that concerns many connections, and how far the shard has come with it.
    ///
    /// Who is registered meanwhile, or shows another token, asks the revocations afterwards as always: nobody gets past
    /// the sweep.
    struct Sweep {
        let invalidation: Invalidation
        let tally: ClosureTally?
        /// Where it may be found, once the sweep has begun.
        var slots: [Int32]?
        var cursor = 0
    }

    /// Ends the connections that an event names: few at once, many in slices between which others have their turn.
    func invalidate(_ invalidation: Invalidation, _ tally: ClosureTally? = nil) {
        if let slots = self.fewSlots(invalidation.target) {
            for slot in slots { _ = self.end(slot, by: invalidation, tally) }
            tally?.shardFinished()
            return
        }
        self.sweeps.append(Sweep(invalidation: invalidation, tally: tally))
        while self.sweeps.count > Self.sweepsMax { self.sweep(upTo: .max) }
    }

    /// Where the connections of a target are, if they are so few that they need no sweep.
    private func fewSlots(_ target: Invalidation.Target) -> [Int32]? {
        let slots =
            switch target {
            case .session(let session): self.sessions.slots(hash: SlotIndex.hash(session), max: Self.endingsAtOnce + 1)
            case .user(let user, _): self.users.slots(hash: SlotIndex.hash(user), max: Self.endingsAtOnce + 1)
            case .token, .claim: nil as [Int32]?
            }
        return slots.flatMap { $0.count <= Self.endingsAtOnce ? $0 : nil }
    }

    private func allSlots(_ target: Invalidation.Target) -> [Int32] {
        switch target {
        case .session(let session): self.sessions.slots(hash: SlotIndex.hash(session))
        case .user(let user, _): self.users.slots(hash: SlotIndex.hash(user))
        // Rare enough that a sweep is cheaper than an index of every connection's token.
        case .token, .claim: Array(0..<Int32(self.outlets.count))
        }
    }

    /// Goes on with what the events before have left to do; false where nothing is left.
    func continueSweeps() -> Bool {
        var work = 0
        while !self.sweeps.isEmpty, work < Self.sweepPerTurn { work += self.sweep(upTo: Self.sweepPerTurn - work) }
        return !self.sweeps.isEmpty
    }

    /// Works on the first of the sweeps; returns what that cost.
    @discardableResult
    private func sweep(upTo workMax: Int) -> Int {
        guard var sweep = self.sweeps.first else { return 0 }
        let slots = sweep.slots ?? self.allSlots(sweep.invalidation.target)
        var work = 1
        while sweep.cursor < slots.count, work < workMax {
            let isEnded = self.end(slots[sweep.cursor], by: sweep.invalidation, sweep.tally)
            work += isEnded ? Self.costOfEnding : 1
            sweep.cursor += 1
        }
        if sweep.cursor < slots.count {
            sweep.slots = slots
            self.sweeps[0] = sweep
        } else {
            self.sweeps.removeFirst()
            sweep.tally?.shardFinished()
        }
        return work
    }

    private func end(_ slot: Int32, by invalidation: Invalidation, _ tally: ClosureTally?) -> Bool {
        guard let identity = self.identity(of: slot), invalidation.matches(identity) else { return false }
        if let tally {
            tally.connectionQueued()
            self.ending[slot] = tally
        }
        self.edge?.end(slot, reason: invalidation.closeReason)
        self.metrics.revocationLag.observe(Clock.wall - invalidation.at)
        return true
    }

    func perform(_ command: UserCommand) -> UserOutcome {
        self.edge?.perform(command, on: self.slots(command.selector)) ?? UserOutcome()
    }

    private func slots(_ selector: ConnectionSelector) -> [Int32] {
        switch selector {
        case .session(let session):
            return self.allSlots(.session(session)).filter { self.identity(of: $0)?.session == session }
        case .token(let token):
            return self.allSlots(.token(token)).filter { self.identity(of: $0)?.token == token }
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
