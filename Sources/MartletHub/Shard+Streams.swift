// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletInstruments
import MartletReactor

/// Follows the streams of channels with history: `ChannelStream` decides, and here it is done.
extension Shard {
    /// The stream that a channel has, or has from now on.
    func stream(of channel: Int32, _ options: SubscribeOptions) -> ChannelStream? {
        let existing = self.channels[channel].stream
        guard let history = options.history else { return existing }
        if let interval = options.positionCheck { self.streams.checkEvery(interval.nanoseconds) }
        if let existing {
            existing.history = history
            existing.checkInterval = options.positionCheck
            return existing
        }
        let stream = ChannelStream(
            history: history, limits: self.sharedStreamLimits,
            hasSubscribers: !self.channels[channel].subscribers.isEmpty)
        stream.checkInterval = options.positionCheck
        for waiter in self.channels[channel].waiters { _ = stream.join(waiter) }
        self.channels[channel].waiters = []
        self.channels[channel].stream = stream
        self.streams.count += 1
        return stream
    }

    func countRecovery(_ start: SubscriptionStart) {
        guard start.wasRecovering else { return }
        (start.recovered ? self.metrics.recovered : self.metrics.unrecovered).add()
    }

    // MARK: - Reads

    /// Has a stream read as soon as others leave room, if it wants that.
    func wantRead(_ stream: ChannelStream, _ channel: Int32) {
        self.streams.reads.add(stream, of: channel, now: self.streams.now)
        self.startReads()
    }

    private func startReads() {
        while self.streams.reads.outstanding < self.streamLimits.readsMax, let item = self.streams.reads.next() {
            guard self.isCurrent(item), item.stream.wantsRead(now: self.streams.now) else { continue }
            let number = self.streams.reads.began()
            let (name, mailbox) = (self.channels[item.channel].name, self.mailbox)
            self.metrics.streamReads.add()
            self.bus.history(name, item.stream.beginRead(number)) { result in
                mailbox.post(vital: .streamRead(channel: name, number: number, result))
            }
        }
    }

    /// Whether the channel still has this stream, and its number has not gone to another.
    private func isCurrent(_ item: StreamQueue.Item) -> Bool {
        self.channels[item.channel].stream === item.stream
    }

    func completeRead(_ name: String, _ number: UInt64, _ result: Result<HistoryPage, BusError>) {
        self.streams.reads.ended()
        if case .failure = result { self.metrics.streamReadFailures.add() }
        defer { self.startReads() }
        guard let channel = self.channels.id(of: name), let stream = self.channels[channel].stream else { return }
        let hadTail = stream.keepsTail
        guard let step = stream.completeRead(number, result, now: self.streams.now) else { return }
        let item = StreamQueue.Item(channel: channel, stream: stream)
        if stream.keepsTail, !hadTail { self.keepTail(item) }
        if stream.retryAt > self.streams.now { self.streams.retries.append(item) }
        self.perform(step, channel)
        guard self.isCurrent(item) else { return }
        for publication in stream.resume() { self.deliver(publication, channel) }
        self.streams.reads.add(stream, of: channel, now: self.streams.now)
    }

    func completeRenewal(_ name: String) {
        guard let channel = self.channels.id(of: name), let stream = self.channels[channel].stream else { return }
        stream.renewed()
        for publication in stream.resume() { self.deliver(publication, channel) }
        self.wantRead(stream, channel)
    }

    /// Does what a step says. First all are what they will be, then they are told: who is told may end its connection.
    func perform(_ step: StreamStep, _ channel: Int32) {
        let name = self.channels[channel].name
        // A delivery may end its connection, which may be the last that anybody knows of the channel.
        self.channels[channel].isPinned = true
        if let epoch = step.renewal { self.renew(name, epoch) }
        let (losers, others) = step.isLost ? self.losePositions(channel, name) : ([], [])
        for publication in step.deliveries { self.deliver(publication, channel) }
        for start in step.starts {
            self.activate(start.waiter.slot, channel, start.waiter.flags, start.start, isNew: false)
            self.countRecovery(start.start)
        }
        for waiter in step.failures { self.forget(waiter.slot, channel) }
        self.channels[channel].isPinned = false
        self.releaseIfUnused(channel)
        self.tellMissed(others.map(\.slot), name)
        for loser in losers where !loser.flags.isDisjoint(with: .told) {
            self.edge?.left(loser.slot, channel: name, flags: loser.flags)
        }
        for start in step.starts {
            self.edge?.subscribed(
                start.waiter.slot, channel: name, ticket: start.waiter.ticket, .success(start.start))
        }
        for waiter in step.failures {
            self.edge?.subscribed(
                waiter.slot, channel: name, ticket: waiter.ticket, .failure(step.error ?? .unavailable))
        }
        if step.isLost { self.tellLosses() }
    }

    private func renew(_ name: String, _ epoch: String) {
        self.metrics.streamsRenewed.add()
        self.bus.renewStream(name, from: epoch) { [mailbox = self.mailbox] _ in
            mailbox.post(vital: .streamRenewed(channel: name))
        }
    }

    // MARK: - Losses

    /// Ends the subscriptions that have a position, and leaves the others.
    private func losePositions(_ channel: Int32, _ name: String) -> (losers: [Subscriber], others: [Subscriber]) {
        let subscribers = self.channels[channel].subscribers
        let losers = subscribers.filter { $0.flags.contains(.positioned) }
        for loser in losers { self.losePosition(loser, channel, name) }
        return (Array(losers), subscribers.filter { !$0.flags.contains(.positioned) })
    }

    private func losePosition(_ loser: Subscriber, _ channel: Int32, _ name: String) {
        guard let entry = self.outlets[Int(loser.slot)].subscriptions.entry(of: channel) else { return }
        _ = self.detach(loser.slot, entry)
        self.metrics.positionsLost.add()
        let generation = self.outlets[Int(loser.slot)].generation
        self.streams.losses.append(
            StreamWork.Loss(slot: loser.slot, generation: generation, channel: name, flags: loser.flags))
    }

    /// To be called when messages to a connection were dropped because it did not take them: positions are lost, and
    /// the other subscriptions are told.
    package func dropped(_ slot: Int32) {
        guard self.identity(of: slot) != nil else { return }
        let subscriptions = self.subscriptions(of: slot)
        for subscription in subscriptions where subscription.flags.contains(.positioned) {
            guard let channel = self.channels.id(of: subscription.channel) else { continue }
            let loser = Subscriber(slot: slot, format: self.outlets[Int(slot)].format, flags: subscription.flags)
            self.losePosition(loser, channel, subscription.channel)
            self.releaseIfUnused(channel)
        }
        for subscription in subscriptions where subscription.flags.contains(.positioned) {
            guard !subscription.flags.isDisjoint(with: .told) else { continue }
            self.edge?.left(slot, channel: subscription.channel, flags: subscription.flags)
        }
        // Who is told may end, or be ended.
        for subscription in subscriptions where !subscription.flags.contains(.positioned) {
            if self.isSubscribed(slot, to: subscription.channel) { self.tellMissed([slot], subscription.channel) }
        }
        self.tellLosses()
    }

    /// Tells as many as may come back at once.
    private func tellLosses() {
        while self.streams.lossesAllowed > 0, let loss = self.streams.losses.popFirst() {
            guard self.identity(of: loss.slot) != nil, self.outlets[Int(loss.slot)].generation == loss.generation
            else { continue }
            // It may have subscribed again of its own accord.
            if !self.isSubscribed(loss.slot, to: loss.channel) {
                self.streams.lossesAllowed -= 1
                self.edge?.lost(loss.slot, channel: loss.channel, flags: loss.flags)
            }
        }
    }

    // MARK: - Time

    /// To be called at every tick of the reactor.
    package func ticked(now: Int64) {
        self.streams.now = now
        self.streams.lossesAllowed = self.streamLimits.lossesPerTickMax
        self.tellLosses()
        self.topChannels.scan(self.channels)
        self.expireTails(now)
        self.retryReads(now)
        self.checkPositions(now)
        self.startReads()
    }

    private func expireTails(_ now: Int64) {
        while let tail = self.streams.tails.first, tail.endsAt <= now {
            _ = self.streams.tails.popFirst()
            if self.isCurrent(tail.item), !tail.item.stream.expireTail(now: now) { self.keepTail(tail.item) }
        }
    }

    private func keepTail(_ item: StreamQueue.Item) {
        let endsAt = self.streams.now + self.streamLimits.tailLifetime.nanoseconds
        self.streams.tails.append(StreamWork.Tail(item: item, endsAt: endsAt))
    }

    private func retryReads(_ now: Int64) {
        guard !self.streams.retries.isEmpty else { return }
        let waiting = self.streams.retries
        self.streams.retries = waiting.filter { self.isCurrent($0) && $0.stream.retryAt > now }
        for item in waiting where self.isCurrent(item) && item.stream.retryAt <= now {
            self.streams.reads.add(item.stream, of: item.channel, now: now)
        }
    }

    /// Goes through all channels once in the shortest interval of any, evenly, and no faster than the reads are done.
    private func checkPositions(_ now: Int64) {
        let interval = self.streams.round
        let entries = self.channels.entries.count
        guard self.streams.count > 0, interval > 0 else { return }
        let elapsed = Double(now - self.streams.roundStart) / Double(interval)
        let due = Int(Double(entries) * min(1, max(0, elapsed)))
        while self.streams.cursor < due, self.streams.reads.checkCount < self.streamLimits.queuedChecksMax {
            let channel = Int32(self.streams.cursor)
            self.streams.cursor += 1
            guard let stream = self.channels[channel].stream else { continue }
            if let own = stream.checkInterval { self.streams.passed(own.nanoseconds) }
            guard self.channels[channel].isOpen else { continue }
            stream.check(now: now, round: interval)
            self.streams.reads.add(stream, of: channel, now: now)
        }
        if elapsed >= 1, self.streams.cursor >= entries { self.streams.endRound() }
    }
}
