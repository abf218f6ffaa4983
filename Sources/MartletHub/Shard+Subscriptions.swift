// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore
import MartletInstruments
import MartletReactor

/// Who subscribes to what.
extension Shard {
    /// Subscribes a registered connection.
    package func subscribe(_ slot: Int32, to name: String, _ options: SubscribeOptions) -> SubscribeOutcome {
        let known = self.channels.id(of: name)
        if let known, self.outlets[Int(slot)].subscriptions.entry(of: known) != nil { return .alreadySubscribed }
        guard self.outlets[Int(slot)].subscriptions.count < self.limits.subscriptionsMax else { return .limitExceeded }
        guard known != nil || self.channels.count < self.limits.channelsMax else { return .overloaded }
        let channel = known ?? self.channels.intern(name)
        if known == nil {
            self.metrics.channels.add(1)
            self.bus.subscribe(name, shard: self.index)
        }
        self.subscriptionCount += 1
        self.metrics.subscriptions.add(1)
        let waiter = Waiter(slot: slot, options)
        if let start = self.start(waiter, channel, options) {
            self.countRecovery(start)
            self.activate(slot, channel, options.flags, start, isNew: true)
            return .subscribed(start)
        }
        self.outlets[Int(slot)].subscriptions.append(SubscriptionList.Entry(channel: channel, position: -1))
        return .pending
    }

    /// With what a subscription begins; nil where it was filed to wait for that.
    private func start(_ waiter: Waiter, _ channel: Int32, _ options: SubscribeOptions) -> SubscriptionStart? {
        guard let stream = self.stream(of: channel, options) else {
            if self.channels[channel].isOpen { return SubscriptionStart() }
            self.channels[channel].waiters.append(waiter)
            return nil
        }
        // Before the bus has acknowledged, nothing is known of the stream, and so it waits.
        if let start = stream.join(waiter) { return start }
        if self.channels[channel].isOpen { self.wantRead(stream, channel) }
        return nil
    }

    /// False where the connection was not subscribed.
    package func unsubscribe(_ slot: Int32, from name: String) -> Bool {
        guard let (channel, entry) = self.entry(slot, name) else { return false }
        let waiter = entry.position < 0 ? self.channels[channel].removeWaiter(slot) : nil
        self.remove(slot, entry)
        if let waiter { self.edge?.subscribed(slot, channel: name, ticket: waiter.ticket, .failure(.unconfirmed)) }
        return true
    }

    /// Whether a subscription of this connection still waits for the bus.
    package func isWaiting(_ slot: Int32) -> Bool {
        self.identity(of: slot) != nil && self.outlets[Int(slot)].subscriptions.isWaiting
    }

    package func isSubscribed(_ slot: Int32, to name: String) -> Bool { self.entry(slot, name) != nil }

    /// What is particular about a subscription; nil where there is none, or it still waits.
    package func flags(of slot: Int32, in name: String) -> SubscriptionFlags? {
        guard let (channel, entry) = self.entry(slot, name), entry.position >= 0 else { return nil }
        return self.channels[channel].subscribers[Int(entry.position)].flags
    }

    /// A connection's subscriptions in the order in which they were asked for; those that still wait are left out.
    package func subscriptions(of slot: Int32) -> [Subscription] {
        guard self.identity(of: slot) != nil else { return [] }
        return self.outlets[Int(slot)].subscriptions.all.filter { $0.position >= 0 }.map { entry in
            let channel = self.channels[entry.channel]
            return Subscription(
                channel: channel.name, flags: channel.subscribers[Int(entry.position)].flags,
                position: channel.stream?.known)
        }
    }

    /// Up to where all subscribers of a channel here have been given its stream; nil where it has none.
    package func position(of name: String) -> StreamPosition? {
        self.channels.id(of: name).flatMap { self.channels[$0].stream?.known }
    }

    private func entry(_ slot: Int32, _ name: String) -> (channel: Int32, entry: SubscriptionList.Entry)? {
        guard self.identity(of: slot) != nil, let channel = self.channels.id(of: name),
            let entry = self.outlets[Int(slot)].subscriptions.entry(of: channel)
        else { return nil }
        return (channel, entry)
    }

    func activate(
        _ slot: Int32, _ channel: Int32, _ flags: SubscriptionFlags, _ start: SubscriptionStart, isNew: Bool
    ) {
        let flags = self.beginDelta(flags, channel, start)
        let position = Int32(self.channels[channel].subscribers.count)
        let format = self.outlets[Int(slot)].format
        self.channels[channel].subscribers.append(Subscriber(slot: slot, format: format, flags: flags))
        if isNew {
            self.outlets[Int(slot)].subscriptions.append(SubscriptionList.Entry(channel: channel, position: position))
        } else {
            self.outlets[Int(slot)].subscriptions.move(channel, to: position)
        }
    }

    func remove(_ slot: Int32, _ entry: SubscriptionList.Entry) {
        let (channel, name) = (entry.channel, self.channels[entry.channel].name)
        let flags = self.detach(slot, entry)
        self.releaseIfUnused(channel)
        if !flags.isDisjoint(with: .told) { self.edge?.left(slot, channel: name, flags: flags) }
    }

    /// Takes a connection out of a channel; with what flags it was a subscriber.
    func detach(_ slot: Int32, _ entry: SubscriptionList.Entry) -> SubscriptionFlags {
        let channel = entry.channel
        var flags: SubscriptionFlags = []
        if entry.position < 0 {
            _ = self.channels[channel].removeWaiter(slot)
        } else {
            flags = self.channels[channel].subscribers[Int(entry.position)].flags
            // The last subscriber takes the place of the one that goes.
            self.endDelta(flags, channel)
            let last = self.channels[channel].subscribers.removeLast()
            if last.slot != slot {
                self.channels[channel].subscribers[Int(entry.position)] = last
                self.outlets[Int(last.slot)].subscriptions.move(channel, to: entry.position)
            }
        }
        self.forget(slot, channel)
        return flags
    }

    func forget(_ slot: Int32, _ channel: Int32) {
        self.outlets[Int(slot)].subscriptions.remove(channel)
        self.subscriptionCount -= 1
        self.metrics.subscriptions.add(-1)
    }

    func releaseIfUnused(_ channel: Int32) {
        guard self.channels[channel].isUnused else { return }
        self.bus.unsubscribe(self.channels[channel].name, shard: self.index)
        if self.channels[channel].stream != nil { self.streams.count -= 1 }
        self.channels.release(channel)
        self.metrics.channels.add(-1)
    }

    // MARK: - What the bus tells of a channel

    func acknowledge(_ name: String, _ error: BusError?) {
        guard let channel = self.channels.id(of: name) else { return }
        if error == nil { self.channels[channel].isOpen = true }
        if error == nil, let stream = self.channels[channel].stream { return self.wantRead(stream, channel) }
        var step = StreamStep(error: error)
        let waiters = self.channels[channel].stream?.removeAllWaiters() ?? self.channels[channel].waiters
        self.channels[channel].waiters = []
        if error == nil {
            step.starts = waiters.map { StreamStep.Start(waiter: $0, start: SubscriptionStart()) }
        } else {
            step.failures = waiters
        }
        self.perform(step, channel)
    }

    func tellGap(_ names: [String]?) {
        let ids = names.map { $0.compactMap(self.channels.id(of:)) } ?? Array(self.channels.all)
        for id in ids {
            if let stream = self.channels[id].stream {
                stream.missedSome()
                if self.channels[id].isOpen { self.wantRead(stream, id) }
            } else {
                self.tellMissed(self.channels[id].subscribers.map(\.slot), self.channels[id].name)
            }
        }
    }

    func tellMissed(_ slots: [Int32], _ name: String) {
        self.metrics.gaps.add(slots.count)
        for slot in slots { self.edge?.missed(slot, channel: name) }
    }
}
