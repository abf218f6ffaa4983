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
        /// The connection's limit of channels is reached.
        case limitExceeded
        /// The node's is.
        case overloaded
    }

    package let index: Int
    package let reactor: Reactor
    package let mailbox: Mailbox<ShardMessage>
    package weak var edge: (any ShardEdge)?

    let bus: any Bus
    private(set) var limits: Limits
    let streamLimits: StreamLimits
    let sharedStreamLimits: SharedStreamLimits
    let metrics: HubMetrics
    private let enqueuesPerTurnMax: Int
    var outlets: [Outlet] = []
    var channels = ChannelTable()
    private(set) var users = SlotIndex()
    private(set) var sessions = SlotIndex()
    private(set) var tokens = TokenMarks()
    var subscriptionCount = 0
    /// What waits for connections that are not told of their subscriptions yet.
    var held: [Int32: HeldPublications] = [:]
    /// Connections that an invalidation ended and whose sockets are not closed yet.
    var ending: [Int32: ClosureTally] = [:]
    var sweeps = SweepQueue()
    /// What was done of that in this turn.
    var sweepWork = 0
    var streams: StreamWork
    var topChannels = TopChannels()
    private var registrations: UInt32 = 0
    private var enqueuedOfTurn = 0
    private var control: [ShardMessage] = []
    private var data: [ShardMessage] = []
    private var dataCursor = 0
    /// Whether messages were refused that would stand behind those in `data`.
    private var hasOverrun = false

    package init(
        index: Int, reactor: Reactor, mailbox: Mailbox<ShardMessage>, bus: any Bus, limits: Limits, metrics: HubMetrics,
        enqueuesPerTurnMax: Int = Shard.enqueuesPerTurnMax, streamLimits: StreamLimits = StreamLimits()
    ) {
        self.index = index
        self.reactor = reactor
        self.mailbox = mailbox
        self.bus = bus
        self.limits = limits
        self.metrics = metrics
        self.enqueuesPerTurnMax = enqueuesPerTurnMax
        self.streamLimits = streamLimits
        self.sharedStreamLimits = SharedStreamLimits(streamLimits)
        self.streams = StreamWork(checkInterval: streamLimits.checkInterval)
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
        self.registrations &+= 1
        self.outlets[Int(slot)] = Outlet(identity: identity, format: format, generation: self.registrations)
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
        self.held[slot] = nil
        self.outlets[Int(slot)] = Outlet()
    }

    /// The socket of a connection is closed; whoever else takes its slot is another.
    package func socketClosed(_ slot: Int32) {
        guard !self.ending.isEmpty, let tally = self.ending.removeValue(forKey: slot) else { return }
        tally.connectionDone()
    }

    private func file(_ slot: Int32, _ identity: Identity) {
        if !identity.isAnonymous { self.users.insert(slot, hash: SlotIndex.hash(identity.user)) }
        if let session = identity.session { self.sessions.insert(slot, hash: SlotIndex.hash(session)) }
        if let token = identity.token { self.tokens.insert(slot, hash: SlotIndex.hash(token)) }
    }

    private func unfile(_ slot: Int32, _ identity: Identity) {
        if !identity.isAnonymous { self.users.remove(slot, hash: SlotIndex.hash(identity.user)) }
        if let session = identity.session { self.sessions.remove(slot, hash: SlotIndex.hash(session)) }
        if identity.token != nil { self.tokens.remove(slot) }
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
        let mustSweep = self.continueSweeps()
        self.enqueuedOfTurn = 0
        while mayDeliver, self.dataCursor < self.data.count, self.enqueuedOfTurn < self.enqueuesPerTurnMax {
            let message = self.data[self.dataCursor]
            self.dataCursor += 1
            if case .publication(let publication) = message {
                self.fanOut(publication)
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
        if !takesAll || mustSweep || self.dataCursor < self.data.count { self.reactor.wake() }
    }

    /// To be called when the reactor has stopped: answers those who still wait for this shard, and refuses others.
    package func stop() {
        self.mailbox.close()
        self.processMailbox()
        while self.continueSweeps() {}
    }

    private func process(_ message: ShardMessage) {
        switch message {
        case .publication(let publication): self.fanOut(publication)
        case .subscribed(let channel, let error): self.acknowledge(channel, error)
        case .completed(let id, let ticket, let completion):
            if let slot = self.reactor.slot(of: id) { self.edge?.completed(slot, ticket: ticket, completion) }
        case .gap(let channels): self.tellGap(channels)
        case .streamRead(let channel, let number, let result): self.completeRead(channel, number, result)
        case .streamRenewed(let channel): self.completeRenewal(channel)
        case .invalidate(let invalidation, let tally): self.invalidate(invalidation, tally)
        case .user(let command, let answer): answer(self.perform(command))
        case .emulated(let id, let commands):
            if let slot = self.reactor.slot(of: id) { self.edge?.emulated(slot, commands) }
        case .closeStale(let stale, let unit): self.closeStale(stale, unit)
        case .keysRefreshed: self.edge?.keysRefreshed()
        case .reconfigured(let limits, let namespaces):
            self.limits = limits
            self.edge?.reconfigured(limits: limits, namespaces: namespaces)
        case .drain(let window): self.edge?.drain(window: window)
        case .drainTakenBack: self.edge?.drainTakenBack()
        case .shed(let count, let window): self.edge?.shed(count, over: window)
        case .snapshot(let namesUsers, let receive): receive(self.snapshot(namesUsers: namesUsers))
        case .channels(let start, let receive): receive(self.channelSlice(from: start))
        }
    }

    /// Hands one publication to its subscribers here, unless their stream must first be caught up with.
    private func fanOut(_ publication: Publication) {
        self.metrics.publications.add()
        guard let channel = self.channels.id(of: publication.channel), self.channels[channel].isOpen else {
            self.metrics.unwanted.add()
            return
        }
        if publication.kind != .message { return self.announce(publication, channel) }
        if let stream = self.channels[channel].stream, !stream.takes(publication) {
            return self.wantRead(stream, channel)
        }
        self.deliver(publication, channel)
        if publication.time > 0 { self.metrics.deliveryLag.observe(Clock.wall - publication.time) }
    }

    /// Queues one publication to all subscribers of its channel.
    func deliver(_ publication: Publication, _ channel: Int32) {
        // As they are before: who is based from now on is given this one in full.
        let subscribers = self.channels[channel].subscribers
        var encoder = PublicationEncoder(
            publication, base: self.rebase(channel, to: publication), deltaBytesMax: self.limits.deltaBytesMax)
        for index in subscribers.indices {
            let subscriber = subscribers[index]
            if subscriber.flags.isDisjoint(with: [.held, .delta]) {
                self.reactor.enqueue(encoder.frame(subscriber.format, in: self.reactor), to: subscriber.slot)
            } else if subscriber.flags.contains(.held) {
                self.hold(publication, for: subscriber.slot)
            } else {
                let frame = encoder.deltaFrame(
                    subscriber.format, isPatch: subscriber.flags.contains(.based), in: self.reactor)
                self.reactor.enqueue(frame, to: subscriber.slot)
            }
        }
        // A byte of a patch costs about as much as two deliveries are queued for.
        self.enqueuedOfTurn += subscribers.count + 2 * encoder.patchedBytes
        self.metrics.deliveries.add(subscribers.count)
        guard encoder.leavesOpen else { return }
        for subscriber in subscribers where subscriber.format.isOpen {
            // An id of its own costs many times what a shared frame does.
            self.enqueuedOfTurn += 16
            self.edge?.sent(subscriber.slot, publication)
        }
    }

    /// Tells a coming or going to those who want to know.
    private func announce(_ publication: Publication, _ channel: Int32) {
        let subscribers = self.channels[channel].subscribers
        var encoder = PublicationEncoder(publication)
        for subscriber in subscribers where subscriber.flags.contains(.joinLeave) {
            if subscriber.flags.contains(.held) {
                self.hold(publication, for: subscriber.slot)
                continue
            }
            self.reactor.enqueue(encoder.frame(subscriber.format, in: self.reactor), to: subscriber.slot)
        }
        self.enqueuedOfTurn += subscribers.count
    }
}
