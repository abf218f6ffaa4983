// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore
import MartletInstruments
package import MartletReactor

/// One reactor thread's share of the node: its connections' outlets, its channels, its users and sessions.
///
/// Everything here is confined to the reactor's thread and nothing is locked; other threads post to `mailbox`. An
/// outlet is registered before the revocation table is asked about its identity, and an invalidation is inserted
/// into that table before it is posted here, so no interleaving leaves a revoked connection open.
package final class Shard {
    /// Enqueues after which a batch of publications yields the turn, so that what it queued is sent.
    ///
    /// Some 10 ms and 8 MiB of work. A lower bound would limit how many messages leave in one send, and so what
    /// delivery costs when publishers outrun the sockets: of 65,536, a channel of 10,000 subscribers had 7 a sweep.
    package static let enqueuesPerTurnMax = 1_048_576

    package enum SubscribeOutcome: Equatable, Sendable {
        case subscribed(SubscriptionStart)
        /// `ShardEdge.subscribed` will tell.
        case pending
        case alreadySubscribed
        /// The connection's or the node's limit of channels is reached.
        case limitExceeded
    }

    package let index: Int
    package let reactor: Reactor
    package let mailbox: Mailbox<ShardMessage>
    package weak var edge: (any ShardEdge)?

    private let bus: any Bus
    private var limits: Limits
    private let metrics: HubMetrics
    private let enqueuesPerTurnMax: Int
    private var outlets: [Outlet] = []
    private var channels = ChannelTable()
    private var users = SlotIndex()
    private var sessions = SlotIndex()
    private var subscriptionCount = 0
    private var control: [ShardMessage] = []
    private var data: [ShardMessage] = []
    private var dataCursor = 0
    /// Whether messages were refused that would stand behind those in `data`.
    private var hasOverrun = false

    package init(
        index: Int, reactor: Reactor, mailbox: Mailbox<ShardMessage>, bus: any Bus, limits: Limits, metrics: HubMetrics,
        enqueuesPerTurnMax: Int = Shard.enqueuesPerTurnMax
    ) {
        self.index = index
        self.reactor = reactor
        self.mailbox = mailbox
        self.bus = bus
        self.limits = limits
        self.metrics = metrics
        self.enqueuesPerTurnMax = enqueuesPerTurnMax
    }

    // MARK: - Outlets

    /// Makes a connection one that messages and invalidations can find.
    package func register(_ slot: Int32, identity: Identity, format: WireFormat) {
        let missing = Int(slot) + 1 - self.outlets.count
        if missing > 0 {
            let needed = self.outlets.count + missing
            // By a quarter, not to twice as much: what is reserved and never used is memory all the same.
            if needed > self.outlets.capacity { self.outlets.reserveCapacity(needed * 5 / 4) }
            self.outlets.append(contentsOf: repeatElement(Outlet(), count: missing))
        }
        self.outlets[Int(slot)] = Outlet(identity: identity, format: format)
        self.file(slot, identity)
    }

    /// A connection that showed a fresh token; the caller asks the revocation table afterwards.
    package func replaceIdentity(_ slot: Int32, with identity: Identity) {
        guard let old = self.identity(of: slot) else { return }
        self.unfile(slot, old)
        self.outlets[Int(slot)].identity = identity
        self.file(slot, identity)
    }

    package func identity(of slot: Int32) -> Identity? {
        slot >= 0 && Int(slot) < self.outlets.count ? self.outlets[Int(slot)].identity : nil
    }

    /// Forgets a connection that has ended. Harmless where it was never registered.
    package func unregister(_ slot: Int32) {
        guard let identity = self.identity(of: slot) else { return }
        while let entry = self.outlets[Int(slot)].subscriptions.last { self.remove(slot, entry) }
        self.unfile(slot, identity)
        self.outlets[Int(slot)] = Outlet()
    }

    private func file(_ slot: Int32, _ identity: Identity) {
        if identity.isAnonymous { return }
        self.users.insert(slot, hash: SlotIndex.hash(identity.user))
        if let session = identity.session { self.sessions.insert(slot, hash: SlotIndex.hash(session)) }
    }

    private func unfile(_ slot: Int32, _ identity: Identity) {
        if identity.isAnonymous { return }
        self.users.remove(slot, hash: SlotIndex.hash(identity.user))
        if let session = identity.session { self.sessions.remove(slot, hash: SlotIndex.hash(session)) }
    }

    // MARK: - Subscriptions

    /// Subscribes a registered connection.
    package func subscribe(_ slot: Int32, to name: String, _ options: SubscribeOptions) -> SubscribeOutcome {
        let known = self.channels.id(of: name)
        if let known, self.outlets[Int(slot)].subscriptions.entry(of: known) != nil { return .alreadySubscribed }
        guard self.outlets[Int(slot)].subscriptions.count < self.limits.subscriptionsMax,
            known != nil || self.channels.count < self.limits.channelsMax
        else { return .limitExceeded }
        let channel = known ?? self.channels.intern(name)
        if known == nil {
            self.metrics.channels.add(1)
            self.bus.subscribe(name, shard: self.index)
        }
        self.subscriptionCount += 1
        self.metrics.subscriptions.add(1)
        if self.channels[channel].isOpen {
            self.activate(slot, channel, options.flags, isNew: true)
            return .subscribed(SubscriptionStart())
        }
        self.channels[channel].waiters.append(
            ChannelTable.Waiter(slot: slot, ticket: options.ticket, flags: options.flags))
        self.outlets[Int(slot)].subscriptions.append(SubscriptionList.Entry(channel: channel, position: -1))
        return .pending
    }

    /// False where the connection was not subscribed.
    package func unsubscribe(_ slot: Int32, from name: String) -> Bool {
        guard self.identity(of: slot) != nil, let channel = self.channels.id(of: name),
            let entry = self.outlets[Int(slot)].subscriptions.entry(of: channel)
        else { return false }
        if entry.position < 0, let waiter = self.channels[channel].waiters.first(where: { $0.slot == slot }) {
            self.edge?.subscribed(slot, channel: name, ticket: waiter.ticket, .failure(.unconfirmed))
        }
        self.remove(slot, entry)
        return true
    }

    /// Whether a subscription of this connection still waits for the bus.
    package func isWaiting(_ slot: Int32) -> Bool {
        self.identity(of: slot) != nil && self.outlets[Int(slot)].subscriptions.isWaiting
    }

    package func isSubscribed(_ slot: Int32, to name: String) -> Bool {
        guard self.identity(of: slot) != nil, let channel = self.channels.id(of: name) else { return false }
        return self.outlets[Int(slot)].subscriptions.entry(of: channel) != nil
    }

    private func activate(_ slot: Int32, _ channel: Int32, _ flags: SubscriptionFlags, isNew: Bool) {
        let position = Int32(self.channels[channel].subscribers.count)
        let format = self.outlets[Int(slot)].format
        self.channels[channel].subscribers.append(Subscriber(slot: slot, format: format, flags: flags))
        if isNew {
            self.outlets[Int(slot)].subscriptions.append(SubscriptionList.Entry(channel: channel, position: position))
        } else {
            self.outlets[Int(slot)].subscriptions.move(channel, to: position)
        }
    }

    private func remove(_ slot: Int32, _ entry: SubscriptionList.Entry) {
        let channel = entry.channel
        if entry.position < 0 {
            self.channels[channel].waiters.removeAll { $0.slot == slot }
        } else {
            // The last subscriber takes the place of the one that goes.
            let last = self.channels[channel].subscribers.removeLast()
            if last.slot != slot {
                self.channels[channel].subscribers[Int(entry.position)] = last
                self.outlets[Int(last.slot)].subscriptions.move(channel, to: entry.position)
            }
        }
        self.forget(slot, channel)
        self.releaseIfUnused(channel)
    }

    private func forget(_ slot: Int32, _ channel: Int32) {
        self.outlets[Int(slot)].subscriptions.remove(channel)
        self.subscriptionCount -= 1
        self.metrics.subscriptions.add(-1)
    }

    private func releaseIfUnused(_ channel: Int32) {
        guard self.channels[channel].subscribers.isEmpty, self.channels[channel].waiters.isEmpty else { return }
        self.bus.unsubscribe(self.channels[channel].name, shard: self.index)
        self.channels.release(channel)
        self.metrics.channels.add(-1)
    }

    // MARK: - Publishing

    /// Hands a client's publication to the bus; `ShardEdge.completed` tells the outcome with this ticket.
    package func publish(_ publication: Publication, _ options: PublishOptions, from slot: Int32, ticket: UInt32) {
        let (id, mailbox) = (self.reactor.id(of: slot), self.mailbox)
        self.bus.publish(publication, options) { result in
            // The control lane, because an answer must not be lost where the data lane is full.
            mailbox.post(control: .completed(id, ticket: ticket, .published(result)))
        }
    }

    // MARK: - Mailbox

    /// Works through what other threads posted; to be called whenever the reactor was woken.
    package func processMailbox() {
        // While a long sweep's sends are not through, publications wait and so leave together with later ones.
        let mayDeliver = !self.reactor.hasUnsentTurn
        let takesAll = mayDeliver && self.dataCursor == self.data.count
        if takesAll {
            self.hasOverrun = self.mailbox.drain(control: &self.control, data: &self.data)
            self.dataCursor = 0
        } else {
            self.mailbox.drain(control: &self.control)
        }
        for message in self.control { self.process(message) }
        self.control.removeAll(keepingCapacity: true)
        var enqueued = 0
        while mayDeliver, self.dataCursor < self.data.count, enqueued < self.enqueuesPerTurnMax {
            let message = self.data[self.dataCursor]
            self.dataCursor += 1
            if case .publication(let publication) = message {
                enqueued += self.fanOut(publication)
            } else {
                self.process(message)
            }
        }
        if self.dataCursor == self.data.count {
            self.data.removeAll(keepingCapacity: self.data.count < 4_096)
            self.dataCursor = 0
            if self.hasOverrun { self.tellGap(nil) }
            self.hasOverrun = false
        }
        // Producers wake nobody before both lanes have been drained.
        if !takesAll || self.dataCursor < self.data.count { self.reactor.wake() }
    }

    /// To be called when the reactor has stopped: answers those who still wait for this shard, and refuses others.
    package func stop() {
        self.mailbox.close()
        self.processMailbox()
    }

    private func process(_ message: ShardMessage) {
        switch message {
        case .publication(let publication): _ = self.fanOut(publication)
        case .subscribed(let channel, let error): self.acknowledge(channel, error)
        case .completed(let id, let ticket, let completion):
            if let slot = self.reactor.slot(of: id) { self.edge?.completed(slot, ticket: ticket, completion) }
        case .gap(let channels): self.tellGap(channels)
        case .invalidate(let invalidation): self.invalidate(invalidation)
        case .user(let command, let answer): answer(self.perform(command))
        case .emulated(let id, let session, let commands):
            if let slot = self.reactor.slot(of: id) { self.edge?.emulated(slot, session: session, commands) }
        case .closeStale(let key): self.closeStale(key)
        case .keysRefreshed: self.edge?.keysRefreshed()
        case .reconfigured(let limits, let namespaces):
            self.limits = limits
            self.edge?.reconfigured(limits: limits, namespaces: namespaces)
        case .drain(let window): self.edge?.drain(window: window)
        case .snapshot(let namesUsers, let receive): receive(self.snapshot(namesUsers: namesUsers))
        }
    }

    /// Queues one publication to all its subscribers here; the number of them.
    private func fanOut(_ publication: Publication) -> Int {
        self.metrics.publications.add()
        guard let channel = self.channels.id(of: publication.channel), self.channels[channel].isOpen else {
            self.metrics.unwanted.add()
            return 0
        }
        let subscribers = self.channels[channel].subscribers
        var encoder = PublicationEncoder(publication)
        for index in subscribers.indices {
            let subscriber = subscribers[index]
            self.reactor.enqueue(encoder.frame(subscriber.format, in: self.reactor), to: subscriber.slot)
        }
        self.metrics.deliveries.add(subscribers.count)
        if publication.time > 0 { self.metrics.deliveryLag.observe(Clock.wall - publication.time) }
        return subscribers.count
    }

    private func acknowledge(_ name: String, _ error: BusError?) {
        guard let channel = self.channels.id(of: name) else { return }
        let waiters = self.channels[channel].waiters
        self.channels[channel].waiters = []
        if error == nil { self.channels[channel].isOpen = true }
        // First all are what they will be, then they are told: who is told may end its connection.
        for waiter in waiters {
            if error == nil {
                self.activate(waiter.slot, channel, waiter.flags, isNew: false)
            } else {
                self.forget(waiter.slot, channel)
            }
        }
        if error != nil { self.releaseIfUnused(channel) }
        for waiter in waiters {
            let result: Result<SubscriptionStart, BusError> =
                error.map { .failure($0) } ?? .success(SubscriptionStart())
            self.edge?.subscribed(waiter.slot, channel: name, ticket: waiter.ticket, result)
        }
    }

    private func tellGap(_ names: [String]?) {
        let ids = names.map { $0.compactMap(self.channels.id(of:)) } ?? Array(self.channels.all)
        for id in ids {
            let (name, subscribers) = (self.channels[id].name, self.channels[id].subscribers)
            self.metrics.gaps.add(subscribers.count)
            for subscriber in subscribers { self.edge?.missed(subscriber.slot, channel: name) }
        }
    }

    // MARK: - Ending connections

    private func invalidate(_ invalidation: Invalidation) {
        let lag = Clock.wall - invalidation.at
        for slot in self.candidates(invalidation.target) {
            guard let identity = self.identity(of: slot), invalidation.matches(identity) else { continue }
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

    private func perform(_ command: UserCommand) -> UserOutcome {
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

    private func closeStale(_ key: String) {
        for slot in 0..<Int32(self.outlets.count) {
            guard let identity = self.identity(of: slot), !identity.isAnonymous, identity.sessionKey == key else {
                continue
            }
            self.edge?.end(slot, reason: .validationUnavailable)
        }
    }

    private func snapshot(namesUsers: Bool) -> ShardSnapshot {
        var snapshot = ShardSnapshot(subscriptions: self.subscriptionCount)
        for id in self.channels.all { snapshot.channels[self.channels[id].name] = self.channels[id].subscribers.count }
        guard namesUsers else { return snapshot }
        let identities = self.outlets.lazy.compactMap { $0.identity }
        snapshot.users = Set(identities.filter { !$0.isAnonymous }.map(\.user))
        return snapshot
    }
}
