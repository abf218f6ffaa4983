// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol
import MartletReactor
import MartletWire
import Synchronization

/// Publishes and revokes over the HTTP API at a steady rate, on keep-alive connections.
///
/// Once the reactor runs, everything is confined to its thread but `orders`, `news` and the reactor's `wake` and `stop`.
final class APILoop: ReactorDelegate {
    struct Orders: Sendable {
        var mayPublish = false
        var mayRevoke = false
    }

    struct News: Sendable {
        /// The last number of each channel.
        var last: [UInt32]
        /// Numbers whose publishing failed, which may have been delivered all the same.
        var void: [Int: Set<UInt32>] = [:]
        var published = 0
        var failed = 0
        var lastFailure: String?
        /// From request to answer.
        var answerTime = LatencyHistogram()
        /// When each user's revocation was sent, in nanoseconds since 1970.
        var revokedAt: [Int: Int64] = [:]
        /// Calls that were not answered yet.
        var waiting = 0
    }

    private struct Lane {
        var slot: Int32 = -1
        var isConnected = false
        var queue: [APICall] = []
        var head = 0
        /// Requests that were sent and not answered, the oldest first.
        var inFlight: [Request] = []
    }

    private struct Request {
        var call: APICall
        var number: UInt32 = 0
        var sentAt: Int64
    }

    /// Requests under way on one connection: its answers come in their order, so that the messages of a channel keep
    /// theirs without each waiting for the one before.
    private static let pipelinedMax = 32

    let plan: APIPlan
    let reactor: Reactor
    let orders = Mutex(Orders())
    let news: Mutex<News>
    private var own: News
    private var lanes: [Lane]
    private var publishSince: Int64?
    private var revokeSince: Int64?
    private var issued = 0
    private var revoked = 0

    init(plan: APIPlan) throws {
        self.plan = plan
        let news = News(last: Array(repeating: 0, count: plan.channels))
        self.news = Mutex(news)
        self.own = news
        self.lanes = Array(repeating: Lane(), count: max(1, plan.connections))
        var configuration = ReactorConfiguration()
        configuration.slotCapacity = 1_024
        self.reactor = try Reactor(configuration: configuration, shared: ReactorShared())
        self.reactor.delegate = self
    }

    // MARK: - Rates

    /// The other threads wake the loop every millisecond or so: that is the grain of its rates.
    func woken() {
        for lane in self.lanes.indices where self.lanes[lane].slot < 0 { self.connect(lane) }
        let orders = self.orders.withLock { $0 }
        self.issued += self.due(orders.mayPublish, self.plan.publishRate, &self.publishSince, self.issued, .max) {
            count in
            self.queue(.publish(channel: count % self.plan.channels))
        }
        self.revoked += self.due(
            orders.mayRevoke, self.plan.revokeRate, &self.revokeSince, self.revoked, self.plan.revocations
        ) { self.queue(.revoke(user: $0)) }
        self.own.waiting = self.lanes.reduce(0) { $0 + $1.queue.count - $1.head + $1.inFlight.count }
        let own = self.own
        self.news.withLock { $0 = own }
    }

    /// Issues what has become due; how many that is.
    private func due(
        _ may: Bool, _ rate: Double, _ since: inout Int64?, _ done: Int, _ most: Int, _ issue: (Int) -> Void
    ) -> Int {
        guard may, rate > 0 else { return 0 }
        let begun = since ?? self.reactor.now
        since = begun
        var count = 0
        while done + count < most, Double(done + count) <= Double(self.reactor.now - begun) / 1e9 * rate {
            issue(done + count)
            count += 1
        }
        return count
    }

    private func queue(_ call: APICall) {
        let lane: Int
        switch call {
        case .publish(let channel): lane = channel % self.lanes.count
        case .revoke(let user): lane = user % self.lanes.count
        }
        self.lanes[lane].queue.append(call)
        self.send(lane)
    }

    // MARK: - Connections

    private func connect(_ lane: Int) {
        guard let slot = self.reactor.connect(to: self.plan.address) else { return }
        self.lanes[lane].slot = slot
        self.lanes[lane].isConnected = false
    }

    private func lane(of slot: Int32) -> Int? { self.lanes.firstIndex { $0.slot == slot } }

    func accepted(_ slot: Int32, address: PeerAddress) {
        guard let lane = self.lane(of: slot) else { return }
        self.lanes[lane].isConnected = true
        self.send(lane)
    }

    private func send(_ lane: Int) {
        while self.lanes[lane].isConnected, self.lanes[lane].inFlight.count < Self.pipelinedMax,
            self.lanes[lane].head < self.lanes[lane].queue.count
        {
            let call = self.lanes[lane].queue[self.lanes[lane].head]
            self.lanes[lane].head += 1
            if self.lanes[lane].head > 1_024 {
                self.lanes[lane].queue.removeFirst(self.lanes[lane].head)
                self.lanes[lane].head = 0
            }
            var request = Request(call: call, sentAt: Int64(Clock.wall * 1e9))
            self.reactor.send(self.bytes(of: &request), to: self.lanes[lane].slot)
            self.lanes[lane].inFlight.append(request)
            self.reactor.setDeadline(self.lanes[lane].slot, at: self.reactor.now + 10_000_000_000)
        }
    }

    private func bytes(of request: inout Request) -> [UInt8] {
        let body: [UInt8]
        switch request.call {
        case .publish(let channel):
            self.own.last[channel] += 1
            let number = self.own.last[channel]
            request.number = number
            let data = LoadMessage.encode(
                number: number, channel: channel, sentAt: request.sentAt, bytes: self.plan.payloadBytes)
            var writer = JSONWriter(capacity: data.count + 64)
            writer.beginObject()
            writer.member("channel", self.plan.channelPrefix + String(channel))
            writer.member("data", raw: data)
            writer.endObject()
            body = writer.bytes
        case .revoke(let user):
            self.own.revokedAt[user] = request.sentAt
            body = APIRequest.Revoke(target: .user(TokenMint.user(user))).json
        }
        var head =
            "POST \(request.call.path) HTTP/1.1\r\nHost: \(self.plan.address)\r\nContent-Type: application/json\r\n"
        if let key = self.plan.key { head += "X-API-Key: \(key)\r\n" }
        return Array((head + "Content-Length: \(body.count)\r\n\r\n").utf8) + body
    }

    func received(_ slot: Int32, _ bytes: inout MutableSpan<UInt8>) -> Int {
        guard let lane = self.lane(of: slot) else { return bytes.count }
        var consumed = 0
        while consumed < bytes.count {
            let length = self.answer(lane, bytes.span.extracting(consumed...))
            if length == 0 { break }
            consumed += length
        }
        self.send(lane)
        return consumed
    }

    /// The length of the answer that begins the bytes; zero where it is not whole.
    private func answer(_ lane: Int, _ bytes: Span<UInt8>) -> Int {
        guard case .head(let head) = HTTPResponseHead.parse(bytes) else { return 0 }
        let length = head.length + max(0, head.value(of: "content-length").flatMap { Int($0) } ?? 0)
        guard bytes.count >= length else { return 0 }
        switch (head.status, APIAnswer.decode(bytes.extracting(head.length..<length))) {
        case (200, .success): self.settle(lane, failure: nil)
        case (_, .failure(let error)): self.settle(lane, failure: "\(error.code) \(error.message)")
        default: self.settle(lane, failure: "HTTP \(head.status)")
        }
        return length
    }

    private func settle(_ lane: Int, failure: String?) {
        guard !self.lanes[lane].inFlight.isEmpty else { return }
        let request = self.lanes[lane].inFlight.removeFirst()
        if self.lanes[lane].inFlight.isEmpty { self.reactor.clearDeadline(self.lanes[lane].slot) }
        self.own.answerTime.add(Int((Int64(Clock.wall * 1e9) - request.sentAt) / 1_000))
        if let failure {
            self.own.failed += 1
            self.own.lastFailure = failure
            if case .publish(let channel) = request.call {
                self.own.void[channel, default: []].insert(request.number)
            }
        } else if case .publish = request.call {
            self.own.published += 1
        }
    }

    func closed(_ slot: Int32, cause: ReactorCloseCause) {
        guard let lane = self.lane(of: slot) else { return }
        while !self.lanes[lane].inFlight.isEmpty { self.settle(lane, failure: "connection: \(cause)") }
        self.lanes[lane].slot = -1
        self.lanes[lane].isConnected = false
    }

    func deadlineReached(_ slot: Int32) { self.reactor.abort(slot) }
    func overflowed(_ slot: Int32) { self.reactor.abort(slot) }
    func ticked() {}
}
