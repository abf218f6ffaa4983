// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletReactor
import MartletWire
import Synchronization

/// The clients of one reactor, all alike: connects them at a rate, answers pings and enters what comes in the books.
///
/// Once the reactor runs, everything is confined to its thread but `orders`, `news` and the reactor's `wake` and `stop`.
final class ClientLoop: ReactorDelegate {
    /// What the other threads ask for.
    struct Orders: Sendable {
        /// How many clients are to be connected.
        var wanted = 0
        /// The last number of each channel, and numbers nobody knows about: close the books, then the clients.
        var last: [UInt32]?
        var void: [Int: Set<UInt32>] = [:]
    }

    /// What the other threads are told.
    struct News: Sendable {
        var tally = ClientTally()
        var closures: [Closure] = []
        var highest: [UInt32] = []
        /// Clients whose connect has an outcome.
        var settled = 0
        var connections = 0
        var books: [ChannelBook]?
    }

    let plan: ClientPlan
    let reactor: Reactor
    let orders = Mutex(Orders())
    let news = Mutex(News())

    private let target: SocketAddress
    private let mint: TokenMint?
    let handshake: WebSocketClientHandshake
    var clients: [Client]
    /// For event streams only.
    var streams: [EventReader?]
    var books: Books
    var tally = ClientTally()
    var hint = 0
    /// The wall clock in nanoseconds, read once for all that one read brings.
    var wall: Int64 = 0
    private var numbers: [Int32] = []
    private var reasons: [String] = []
    private var closures: [Closure] = []
    private var wanted = 0
    private var begun = 0
    private var settled = 0
    private var pacedSince: Int64 = 0
    private var pacedFrom = 0
    private var isClosing = false

    init(plan: ClientPlan) throws {
        guard let target = SocketAddress(plan.target) else { throw LoadError("\(plan.target) is not host:port") }
        self.plan = plan
        self.target = target
        var configuration = ReactorConfiguration()
        configuration.slotCapacity = plan.count + 1_024
        configuration.inputBytesMax = 2_097_152
        self.reactor = try Reactor(configuration: configuration, shared: ReactorShared())
        self.mint = plan.secret.map {
            TokenMint(
                secret: $0, issuedAt: plan.tokenIssuedAt, lifetime: plan.tokenLifetime, claim: plan.claim)
        }
        // One key for all: nothing in between caches an upgrade, and it saves a proof a client.
        self.handshake = WebSocketClientHandshake(
            host: plan.target, target: plan.kind.path(channel: ""), nonce: Array(0..<16))
        self.clients = Array(repeating: Client(), count: plan.count)
        self.streams = Array(repeating: nil, count: plan.kind.isEventStream ? plan.count : 0)
        self.books = Books(channels: plan.channels, subscribers: plan.count, startsAtOne: plan.startsAtOne)
        self.reactor.delegate = self
    }

    // MARK: - Numbers

    /// The client of a slot, or nil where the connection is not one of ours.
    func number(of slot: Int32) -> Int? {
        guard slot >= 0, Int(slot) < self.numbers.count, self.numbers[Int(slot)] >= 0 else { return nil }
        return Int(self.numbers[Int(slot)])
    }

    func channel(of number: Int) -> Int { self.plan.channel(of: self.plan.first + number) }

    func token(of number: Int) -> String? {
        let client = self.plan.first + number
        return self.mint?.token(user: self.plan.user(of: client), session: client)
    }

    // MARK: - Coming

    private func pace() {
        let orders = self.orders.withLock { $0 }
        if orders.wanted > self.wanted {
            self.wanted = min(orders.wanted, self.clients.count)
            self.pacedSince = self.reactor.now
            self.pacedFrom = self.begun
        }
        let due = Double(self.reactor.now - self.pacedSince) / 1e9 * self.plan.rate
        while !self.isClosing, self.begun < self.wanted, Double(self.begun - self.pacedFrom) < due { self.begin() }
        if let last = orders.last, !self.isClosing { self.closeAll(last: last, void: orders.void) }
    }

    private func begin() {
        let number = self.begun
        self.begun += 1
        self.clients[number].beganAt = Clock.monotonic
        let source = self.plan.source(of: self.plan.first + number)
        guard let slot = self.reactor.connect(to: self.target, from: source) else {
            self.refused(number, "no socket")
            return
        }
        let missing = Int(slot) + 1 - self.numbers.count
        if missing > 0 { self.numbers.append(contentsOf: repeatElement(-1, count: missing)) }
        self.numbers[Int(slot)] = Int32(number)
        self.clients[number].slot = slot
        self.clients[number].stage = .connecting
    }

    func accepted(_ slot: Int32, address: PeerAddress) {
        guard let number = self.number(of: slot) else { return self.reactor.abort(slot) }
        self.clients[number].stage = .answering
        self.reactor.send(self.request(number), to: slot)
        self.reactor.setDeadline(slot, at: self.reactor.now + 30_000_000_000)
    }

    private func request(_ number: Int) -> [UInt8] {
        guard self.plan.kind.isEventStream else { return self.handshake.request }
        let channel = self.plan.channelName(self.channel(of: number))
        var text = "GET \(self.plan.kind.path(channel: channel)) HTTP/1.1\r\nHost: \(self.plan.target)\r\n"
        text += "Accept: text/event-stream\r\n"
        if let token = self.token(of: number) { text += "Authorization: Bearer \(token)\r\n" }
        return Array((text + "\r\n").utf8)
    }

    func opened(_ number: Int) {
        self.clients[number].stage = .open
        self.settled += 1
        self.tally.opened += 1
        self.tally.open += 1
        self.tally.connectTime.add(Int((Clock.monotonic - self.clients[number].beganAt) / 1_000))
        self.reactor.clearDeadline(self.clients[number].slot)
    }

    /// A connect that came to nothing.
    func refused(_ number: Int, _ reason: String) {
        guard self.clients[number].stage.rawValue < Client.Stage.open.rawValue else { return }
        self.clients[number].stage = .closing
        self.settled += 1
        self.tally.refused[reason, default: 0] += 1
        if self.clients[number].slot >= 0 { self.reactor.abort(self.clients[number].slot) }
    }

    // MARK: - Going

    /// Remembers why the server ends a client.
    func note(_ number: Int, reason: String) {
        let index = self.reasons.firstIndex(of: reason) ?? self.reasons.count
        if index == self.reasons.count { self.reasons.append(reason) }
        self.clients[number].reason = Int32(index)
        self.clients[number].endedAt = self.wall
    }

    func deadlineReached(_ slot: Int32) {
        if let number = self.number(of: slot) { self.refused(number, "no answer within 30 s") }
    }

    func overflowed(_ slot: Int32) { self.reactor.abort(slot) }

    func closed(_ slot: Int32, cause: ReactorCloseCause) {
        guard let number = self.number(of: slot) else { return }
        self.numbers[Int(slot)] = -1
        if self.plan.kind.isEventStream { self.streams[number] = nil }
        let (stage, reason) = (self.clients[number].stage, self.clients[number].reason)
        if stage == .open || stage == .closing && reason >= 0 {
            let text = reason >= 0 ? self.reasons[Int(reason)] : "\(cause)"
            if !self.isClosing { self.tally.closed[text, default: 0] += 1 }
            if stage == .open { self.left(number) }
            let at = reason >= 0 ? self.clients[number].endedAt : Int64(Clock.wall * 1e9)
            self.closures.append(Closure(client: self.plan.first + number, at: at, reason: text))
        } else if stage != .closing {
            self.refused(number, "\(cause)")
        }
        self.clients[number].stage = .closed
        self.clients[number].slot = -1
    }

    /// A client is no longer open; what it misses from now on is no loss.
    func left(_ number: Int) {
        guard self.clients[number].stage == .open else { return }
        self.clients[number].stage = .closing
        self.tally.open -= 1
        self.books.close(number, in: self.channel(of: number), last: nil)
    }

    private func closeAll(last: [UInt32], void: [Int: Set<UInt32>]) {
        self.isClosing = true
        let goodbye = WebSocketFrame.encodeMasked(
            .close, payload: WebSocketFrame.closePayload(code: 1000), mask: 0x1234_5678)
        for number in self.clients.indices where self.clients[number].stage == .open {
            let channel = self.channel(of: number)
            self.books.close(number, in: channel, last: last[channel], void: void[channel] ?? [])
            self.clients[number].stage = .closing
            self.tally.open -= 1
            if !self.plan.kind.isEventStream { self.reactor.send(goodbye, to: self.clients[number].slot) }
            self.reactor.finish(self.clients[number].slot)
        }
        let books = self.books.channels
        self.news.withLock { $0.books = books }
    }

    // MARK: - Input and time

    func received(_ slot: Int32, _ bytes: inout MutableSpan<UInt8>) -> Int {
        guard let number = self.number(of: slot) else { return bytes.count }
        self.wall = Int64(Clock.wall * 1e9)
        self.tally.bytes += bytes.count
        return self.plan.kind.isEventStream
            ? self.receivedEvents(number, bytes.span) : self.receivedFrames(number, &bytes)
    }

    func enter(_ message: LoadMessage, by number: Int) {
        self.tally.messages += 1
        self.tally.latency.add(Int((self.wall - message.sentAt) / 1_000))
        if message.number > 0 {
            self.books.received(message.number, of: message.channel, by: number, in: self.channel(of: number))
        }
    }

    /// The other threads wake the loop every few milliseconds: that is its clock for connects, and when it tells news.
    func woken() {
        self.pace()
        self.news.withLock { news in
            news.tally = self.tally
            news.settled = self.settled
            news.connections = self.reactor.connectionCount
            news.closures.append(contentsOf: self.closures)
        }
        self.closures.removeAll(keepingCapacity: true)
    }

    func ticked() {
        let highest = self.books.highest
        self.news.withLock { $0.highest = highest }
    }
}
