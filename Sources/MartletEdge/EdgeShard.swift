// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore
package import MartletHub
import MartletInstruments
import MartletPolicy
import MartletProtocol
package import MartletReactor
import MartletSessions
import MartletWire

/// The protocols on one shard's connections: bytes of the reactor in, calls of the shard and bytes out.
///
/// Confined to the reactor's thread. The parsing of each protocol is in `MartletWire` and `MartletProtocol`; here it is
/// decided what a request or a command does, one file a protocol.
package final class EdgeShard {
    /// 100 ms, the reactor's tick.
    static let tickNanoseconds: Int64 = 100_000_000

    let shared: EdgeShared
    let shard: Shard
    let reactor: Reactor
    private(set) var limits: Limits
    private(set) var namespaces: NamespaceTable
    var connections: [EdgeConnection] = []
    var extras: [Int32: EdgeExtras] = [:]
    /// Addresses the reactor told, while a connection's request is awaited.
    var addresses: [Int32: PeerAddress] = [:]
    var departures = Departures()
    /// When clients come back who are told to.
    var pauses = GoldenSequence()
    private var nextTicket: UInt32 = 0
    var waitingForKeys: Set<Int32> = []
    var announcements = Announcements()
    /// Of publications that were recovered.
    var patches = RecoveredPatches()
    /// Set while a subscription ends that nobody has been told of.
    var leavesUnseen = false

    package init(shared: EdgeShared, shard: Shard) {
        self.shared = shared
        self.shard = shard
        self.reactor = shard.reactor
        self.limits = shared.configuration.limits
        self.namespaces = shared.configuration.namespaces
    }

    var tick: UInt32 { UInt32(truncatingIfNeeded: self.reactor.now / Self.tickNanoseconds) }

    // MARK: - Records

    func withExtras(_ slot: Int32) -> EdgeExtras {
        if let extras = self.extras[slot] { return extras }
        let extras = EdgeExtras()
        self.extras[slot] = extras
        self.connections[Int(slot)].flags.insert(.hasExtras)
        return extras
    }

    func existingExtras(_ slot: Int32) -> EdgeExtras? {
        self.connections[Int(slot)].flags.contains(.hasExtras) ? self.extras[slot] : nil
    }

    /// Gives back what an idle connection does not need.
    func dropExtrasIfIdle(_ slot: Int32) {
        guard self.existingExtras(slot)?.isIdle == true else { return }
        self.extras[slot] = nil
        self.connections[Int(slot)].flags.remove(.hasExtras)
    }

    func ticket() -> UInt32 {
        self.nextTicket &+= 1
        return self.nextTicket
    }

    // MARK: - Coming and going

    /// Counts an admitted connection and makes its identity one that messages and invalidations can find.
    ///
    /// Nil when it may stay; else why it may not. The order matters: first registered, then checked (see `Shard`).
    func enter(_ slot: Int32, _ identity: Identity, _ kind: EdgeProtocol) -> RevocationVerdict {
        self.connections[Int(slot)].kind = kind
        self.shard.register(slot, identity: identity, format: self.connections[Int(slot)].format)
        self.connections[Int(slot)].flags.insert(.connected)
        self.setExpiry(slot, identity)
        let verdict = self.verdict(for: identity)
        if case .clear = verdict, !identity.isAnonymous, let roster = self.shared.roster {
            roster.opened(identity)
            self.connections[Int(slot)].flags.insert(.rostered)
        }
        return verdict
    }

    func setExpiry(_ slot: Int32, _ identity: Identity) {
        self.connections[Int(slot)].expiryTick =
            identity.expiresAt.map {
                self.expiryTick($0, grace: self.asksProxy(.refresh) ? .zero : self.limits.expiryGrace)
            } ?? 0
    }

    /// When what expires at a time, in seconds since 1970, is past its grace.
    func expiryTick(_ expiresAt: Int64, grace: Duration) -> UInt32 {
        let seconds = Double(expiresAt) - Clock.wall + grace.inSeconds
        // Beyond ten years the tick would not fit, and nobody would see it.
        let ticks = min(max(seconds, 0), 315_360_000) * 10
        // Never before the time: what is asked then, whether it has come, must be true.
        return max(1, self.tick &+ UInt32(ticks.rounded(.up)) &+ 1)
    }

    /// Counts the user of a connection that has a place.
    func enterUser(_ slot: Int32, _ identity: Identity) -> AdmissionVerdict {
        guard self.shared.limitsUsers else { return .admit }
        let verdict = self.shared.admit(user: identity.user)
        if case .admit = verdict { self.connections[Int(slot)].flags.insert(.userPlaced) }
        return verdict
    }

    /// Gives back the place of a connection.
    func unadmit(_ slot: Int32, user: String? = nil) {
        guard self.connections[Int(slot)].flags.contains(.placed) else { return }
        let counted = self.connections[Int(slot)].flags.contains(.userPlaced) ? user : nil
        self.connections[Int(slot)].flags.subtract([.placed, .userPlaced])
        let extras = self.existingExtras(slot)
        self.shared.release(extras?.address ?? PeerAddress(v4: 0), user: counted)
        extras?.address = nil
        self.dropExtrasIfIdle(slot)
    }

    /// Undoes `enter` and `enterUser` for a connection that stays open without an identity.
    func withdraw(_ slot: Int32) {
        guard let identity = self.shard.identity(of: slot) else { return }
        let flags = self.connections[Int(slot)].flags
        if flags.contains(.userPlaced) { self.shared.release(user: identity.user) }
        if flags.contains(.rostered) { self.shared.roster?.closed(identity) }
        self.shard.unregister(slot)
        self.existingExtras(slot)?.subscriptions = [:]
        self.connections[Int(slot)].flags.subtract([.connected, .userPlaced, .rostered])
        self.connections[Int(slot)].expiryTick = 0
    }

    /// Takes a connection out of everything that could still send to it or count it.
    func leave(_ slot: Int32) {
        let flags = self.connections[Int(slot)].flags
        let identity = self.shard.identity(of: slot)
        if flags.contains(.rostered), let identity { self.shared.roster?.closed(identity) }
        self.unadmit(slot, user: identity?.user)
        if flags.contains(.connected) { self.shard.unregister(slot) }
        if flags.contains(.admitted) {
            self.shared.metrics.open.add(-1)
            self.shared.metrics.gauge(self.connections[Int(slot)].kind).add(-1)
            self.shared.metrics.countClosed(self.connections[Int(slot)].reason)
        }
        if flags.contains(.hasExtras) { self.extras[slot] = nil }
        self.waitingForKeys.remove(slot)
        self.connections[Int(slot)].flags = []
    }

    /// The connection is past its request: count it.
    func admitted(_ slot: Int32, _ kind: EdgeProtocol) {
        self.connections[Int(slot)].kind = kind
        self.connections[Int(slot)].flags.insert(.admitted)
        self.connections[Int(slot)].commandCredit = Float(self.limits.commandsBurst)
        self.connections[Int(slot)].commandTick = self.tick
        self.shared.metrics.open.add(1)
        self.shared.metrics.gauge(kind).add(1)
        self.shared.metrics.opened.add()
        self.departures.drain?.arrived()
    }

    /// After the last bytes were queued: what still comes is ignored, what is queued still leaves.
    func finish(_ slot: Int32, reason: CloseReason) {
        self.connections[Int(slot)].reason = reason
        self.leave(slot)
        self.connections[Int(slot)].stage = .ending
        self.reactor.finish(slot)
    }

    // MARK: - Time

    /// Sets the one deadline of an open connection: its next ping, or the end of its identity or a subscription.
    func schedule(_ slot: Int32) {
        let connection = self.connections[Int(slot)]
        var tick = connection.pingTick
        if connection.expiryTick != 0 { tick = min(tick, connection.expiryTick) }
        if let expiry = self.subscriptionExpiryTick(slot) { tick = min(tick, expiry) }
        self.reactor.setDeadline(slot, at: Int64(tick) * Self.tickNanoseconds)
    }

    /// The first ping comes at a random moment of the second half of the interval, to spread the load.
    func startPings(_ slot: Int32) {
        let interval = self.pingTicks(self.connections[Int(slot)].kind)
        self.connections[Int(slot)].pingTick = self.tick &+ UInt32.random(in: interval / 2...max(interval, 1))
        self.schedule(slot)
    }

    private func pingTicks(_ kind: EdgeProtocol) -> UInt32 {
        let interval = kind == .events ? self.limits.commentInterval : self.limits.pingInterval
        return UInt32(clamping: interval.nanoseconds / Self.tickNanoseconds)
    }

    private func openDeadline(_ slot: Int32) {
        let connection = self.connections[Int(slot)]
        // Keys, the back-end or the bus owe the connection something: that is not the client's fault.
        if connection.flags.contains(.waits) { return self.end(slot, reason: .internalError) }
        guard connection.flags.contains(.connected) else { return self.end(slot, reason: .stale) }
        if connection.expiryTick != 0, self.tick >= connection.expiryTick {
            return self.expired(slot)
        }
        guard self.expireSubscriptions(slot) else { return }
        guard self.tick >= connection.pingTick else { return self.schedule(slot) }
        if connection.flags.contains(.awaitsPong) { return self.end(slot, reason: .noPong) }
        self.ping(slot)
    }

    private func ping(_ slot: Int32) {
        let connection = self.connections[Int(slot)]
        let interval = self.pingTicks(connection.kind)
        self.sendPing(slot)
        if connection.kind.answersPings {
            self.connections[Int(slot)].flags.insert(.awaitsPong)
            let patience = UInt32(clamping: self.limits.pongTimeout.nanoseconds / Self.tickNanoseconds)
            self.connections[Int(slot)].pingTick = self.tick &+ max(patience, 1)
        } else {
            self.connections[Int(slot)].pingTick = self.tick &+ interval
        }
        self.schedule(slot)
    }

    /// The answer to a ping: the next is due an interval after the last.
    func ponged(_ slot: Int32) {
        self.connections[Int(slot)].flags.remove(.awaitsPong)
        let patience = UInt32(clamping: self.limits.pongTimeout.nanoseconds / Self.tickNanoseconds)
        let interval = self.pingTicks(self.connections[Int(slot)].kind)
        // An answer may take longer than the interval: then the next is due at once.
        let due = Int(self.connections[Int(slot)].pingTick) + Int(interval) - Int(max(patience, 1))
        self.connections[Int(slot)].pingTick = UInt32(clamping: max(Int(self.tick), due))
        self.schedule(slot)
    }

    /// False where the connection sent more commands than it may.
    func takeCommand(_ slot: Int32) -> Bool {
        self.shared.metrics.commands.add()
        let elapsed = self.tick &- self.connections[Int(slot)].commandTick
        let earned = Float(elapsed) / 10 * Float(self.limits.commandsPerSecond)
        let credit = min(Float(self.limits.commandsBurst), self.connections[Int(slot)].commandCredit + earned)
        self.connections[Int(slot)].commandTick = self.tick
        self.connections[Int(slot)].commandCredit = credit - 1
        return credit >= 1
    }
}

// MARK: - ReactorDelegate

extension EdgeShard: ReactorDelegate {
    package func accepted(_ slot: Int32, address: PeerAddress) {
        let missing = Int(slot) + 1 - self.connections.count
        if missing > 0 {
            let needed = self.connections.count + missing
            if needed > self.connections.capacity { self.connections.reserveCapacity(needed * 5 / 4) }
            self.connections.append(contentsOf: repeatElement(EdgeConnection(), count: missing))
        }
        self.connections[Int(slot)] = EdgeConnection()
        self.connections[Int(slot)].stage = self.shared.configuration.requiresProxyProtocol ? .proxyHeader : .head
        self.addresses[slot] = address
        self.reactor.setDeadline(slot, at: self.reactor.now + self.limits.handshakeDeadline.nanoseconds)
    }

    package func received(_ slot: Int32, _ bytes: inout MutableSpan<UInt8>) -> Int {
        var consumed = 0
        while consumed < bytes.count {
            let step: Int
            switch self.connections[Int(slot)].stage {
            case .proxyHeader: step = self.proxyHeader(slot, bytes.span.extracting(consumed...))
            case .head, .body: step = self.request(slot, bytes.span.extracting(consumed...))
            case .webSocket: step = self.frame(slot, &bytes, from: consumed)
            case .closing: step = self.frameAfterClose(slot, &bytes, from: consumed)
            // The next request waits for the answer to this one.
            case .relaying: step = 0
            case .stream, .parting, .ending, .free: return bytes.count
            }
            if step == 0 { return consumed }
            consumed += step
            if self.isWaiting(slot) { return consumed }
        }
        return consumed
    }

    package func deadlineReached(_ slot: Int32) {
        switch self.connections[Int(slot)].stage {
        case .free: break
        case .proxyHeader, .head, .body, .relaying:
            self.waitingForKeys.remove(slot)
            self.connections[Int(slot)].reason = .handshakeTimeout
            self.reactor.abort(slot)
        case .webSocket, .stream: self.openDeadline(slot)
        case .parting: self.part(slot)
        case .closing, .ending: self.reactor.abort(slot)
        }
    }

    package func overflowed(_ slot: Int32) {
        if self.dropSome(slot) { return }
        self.shared.metrics.slow.add()
        // Behind what it would not take it would never see why; a frame that is partly sent must still be finished.
        self.reactor.discardPending(slot)
        if self.connections[Int(slot)].flags.contains(.ownIDs) {
            // An event may have left without its id: cut off with the stream it is not taken, and comes again.
            if self.connections[Int(slot)].flags.contains(.chunked) {
                self.reactor.send(ChunkedEncoding.last, to: slot)
            }
            return self.finish(slot, reason: .slow)
        }
        self.end(slot, reason: .slow)
    }

    /// Makes room for a connection all of whose channels would rather lose messages than it; false where there is none.
    private func dropSome(_ slot: Int32) -> Bool {
        let subscriptions = self.shard.subscriptions(of: slot)
        let policies = Set(subscriptions.map { self.namespaces.options(of: $0.channel)?.slowConsumer ?? .disconnect })
        guard !policies.isEmpty, !policies.contains(.disconnect) else { return false }
        // Who is given patches cannot do without what they are against.
        guard !subscriptions.contains(where: { $0.flags.contains(.delta) }) else { return false }
        // More than the limit may have come in one turn.
        let rest = policies == [.latest] ? 0 : min(self.reactor.pendingBytes(slot), self.limits.pendingBytesMax) / 2
        let dropped = self.reactor.discardDroppable(slot, downTo: rest)
        guard dropped > 0, self.reactor.pendingBytes(slot) <= self.limits.pendingBytesMax else { return false }
        self.shared.metrics.dropped.add(dropped)
        self.shard.dropped(slot)
        return true
    }

    package func closed(_ slot: Int32, cause: ReactorCloseCause) {
        self.addresses[slot] = nil
        if cause == .outputTooLarge, self.connections[Int(slot)].flags.contains(.admitted) {
            self.connections[Int(slot)].reason = .slow
            self.shared.metrics.slow.add()
        }
        self.leave(slot)
        self.shard.socketClosed(slot)
        self.connections[Int(slot)].stage = .free
    }

    package func woken() { self.shard.processMailbox() }

    package func ticked() {
        self.shard.ticked(now: self.reactor.now)
        self.continueDepartures()
        self.patches.expire(tick: self.tick)
        if self.announcements.isBusy { self.continueAnnouncements() }
    }
}

// MARK: - ShardEdge

extension EdgeShard: ShardEdge {
    package func subscribed(
        _ slot: Int32, channel: String, ticket: UInt32, _ result: Result<SubscriptionStart, BusError>
    ) {
        switch self.connections[Int(slot)].kind.language {
        case .centrifuge: self.centrifugeSubscribed(slot, channel: channel, ticket: ticket, result)
        case .jsonRPC: self.rpcSubscribed(slot, channel: channel, ticket: ticket, result)
        case .events: self.eventsSubscribed(slot, channel: channel, result)
        }
    }

    package func completed(_ slot: Int32, ticket: UInt32, _ completion: Completion) {
        if case .relayed(let result) = completion { return self.relayed(slot, result) }
        if case .validated(let isAdmitted) = completion {
            return self.validated(slot, ticket: ticket, isAdmitted: isAdmitted)
        }
        switch self.connections[Int(slot)].kind.language {
        case .centrifuge: self.centrifugeCompleted(slot, ticket: ticket, completion)
        case .jsonRPC: self.rpcCompleted(slot, ticket: ticket, completion)
        case .events: break
        }
    }

    package func missed(_ slot: Int32, channel: String) {
        switch self.connections[Int(slot)].kind.language {
        // Nothing in the protocol says it for a subscription without a position.
        case .centrifuge: break
        case .jsonRPC: self.rpcMissed(slot, channel: channel)
        case .events: self.eventsMissed(slot, channel: channel)
        }
    }

    package func lost(_ slot: Int32, channel: String, flags: SubscriptionFlags) {
        switch self.connections[Int(slot)].kind.language {
        case .centrifuge: self.centrifugeLost(slot, channel: channel, flags: flags)
        case .jsonRPC: self.rpcUnsubscribed(slot, channel: channel, .insufficientState)
        case .events: self.eventsMissed(slot, channel: channel)
        }
    }

    package func emulated(_ slot: Int32, _ commands: [UInt8]) {
        guard self.connections[Int(slot)].stage == .stream, self.connections[Int(slot)].kind.isEmulated else { return }
        self.centrifugeMessage(slot, commands.span)
    }

    package func end(_ slot: Int32, reason: CloseReason) { self.end(slot, CloseNotice(reason)) }

    package func reconfigured(limits: Limits, namespaces: NamespaceTable) {
        self.limits = limits
        self.namespaces = namespaces
    }
}
