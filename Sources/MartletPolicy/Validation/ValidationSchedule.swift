// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// When the authority is asked about which session: a pure value on the caller's clock, so that tests and the simulator
/// run what a node runs.
///
/// Sessions are numbered by their owner, from zero and without great holes. Time is monotonic, in nanoseconds, and
/// counted inside in ticks of 100 ms. About 24 bytes a session.
package struct ValidationSchedule: Sendable {
    private static let tick: Int64 = 100_000_000
    /// Sessions looked at in one call of what goes through all of them.
    private static let slice = 4_096
    /// A session that waits for its call for longer than this is overdue.
    private static let overdueAfter: Int64 = 1_000_000_000

    private enum State: UInt8 {
        case free
        /// Its next turn is on the wheel.
        case scheduled
        /// On the wheel as well, because the last call brought no answer.
        case unanswered
        case due
        case asked
        /// Its turn came while it had no connection: asked about as soon as it has one again, forgotten after a while.
        case away
    }

    private struct Session {
        /// The tick of the last good answer, or of the opening, when a token was verified.
        var goodAt: UInt32 = 0
        /// The tick it became due at, until it is answered.
        var dueAt: UInt32 = 0
        var state = State.free
        var isOpen = false
        /// Whether `goodAt` is that of an answer.
        var isAnswered = false
        /// Whether it was found stale since the last good answer.
        var isStale = false
    }

    private let configuration: ValidationConfiguration
    private let interval: UInt32
    private let intervalDegraded: UInt32
    private let keptFor: UInt32
    private var sessions: [Session] = []
    private var wheel = TimerWheel(slots: 8_192)
    private var due = DueSessions()
    /// When the oldest of those who wait for a batch to fill began to.
    private var gatheringSince: Int64 = 0
    private var expired: [Int32] = []
    private var unansweredCount = 0
    private var sweepStart = 0
    /// Where to go on with bringing turns forward after push failed.
    private var hastenFrom: Int?
    private var isDegraded = false
    private var bucket: TokenBucket
    private var breaker: CircuitBreaker
    private var running = 0
    private var random: SeededRandom

    /// - Parameter seed: Of everything that is drawn.
    package init(_ configuration: ValidationConfiguration, now: Int64 = 0, seed: UInt64 = .random(in: 0 ... .max)) {
        self.configuration = configuration
        self.interval = Self.ticks(configuration.interval)
        self.intervalDegraded = Swift.min(Self.ticks(configuration.intervalDegraded), self.interval)
        self.keptFor = Swift.max(Self.ticks(configuration.stalenessMax), self.interval)
        // A second's worth at once after a pause, or who asks seldom would never fill it.
        self.bucket = TokenBucket(
            rate: configuration.callsPerSecond, burst: max(1, configuration.callsPerSecond), now: now)
        self.breaker = CircuitBreaker(
            failuresMax: configuration.failuresMax,
            backoff: Backoff(base: configuration.backoff, ceiling: configuration.backoffMax), pausesWhileClosed: true)
        self.random = SeededRandom(seed: seed)
    }

    package var bytes: Int {
        self.sessions.capacity * (MemoryLayout<Session>.stride + 12) + self.due.bytes
    }

    private static func ticks(_ duration: Duration) -> UInt32 {
        UInt32(clamping: max(1, duration.nanoseconds / Self.tick))
    }

    private func tick(of now: Int64) -> UInt32 { UInt32(clamping: now / Self.tick) }

    private var currentInterval: UInt32 { self.isDegraded ? self.intervalDegraded : self.interval }

    // MARK: - Sessions

    /// A session that is new here.
    ///
    /// - Parameter isUrgent: Asked about at once, and not at a random moment of the interval.
    package mutating func add(_ id: Int32, isOpen: Bool = true, isUrgent: Bool = false, now: Int64) {
        if Int(id) >= self.sessions.count {
            self.sessions.append(contentsOf: repeatElement(Session(), count: Int(id) + 1 - self.sessions.count))
        }
        let tick = self.tick(of: now)
        self.sessions[Int(id)] = Session(goodAt: tick, state: .scheduled, isOpen: isOpen)
        // Spread over the whole interval, so that those who come together are not asked about together.
        let interval = self.currentInterval
        let wait = isUrgent ? 1 : UInt32.random(in: 1...interval, using: &self.random)
        self.wheel.schedule(id, at: tick &+ wait)
    }

    /// It has a connection again: whatever it missed meanwhile is due now.
    package mutating func opened(_ id: Int32, now: Int64) {
        self.sessions[Int(id)].isOpen = true
        self.sessions[Int(id)].isStale = false
        guard self.sessions[Int(id)].state == .away else { return }
        self.wheel.cancel(id)
        self.enqueue(id, dueAt: self.tick(of: now), now: now)
    }

    /// Its last connection went; it keeps its turn.
    package mutating func closed(_ id: Int32) { self.sessions[Int(id)].isOpen = false }

    /// Forgets a session without a connection. False where a call about it is under way or soon to be made: it is told
    /// by `advance` or `nextBatch` when nothing refers to it any more.
    package mutating func forget(_ id: Int32) -> Bool {
        switch self.sessions[Int(id)].state {
        case .free: return true
        case .due, .asked: return false
        case .unanswered: self.unansweredCount -= 1
        case .scheduled, .away: break
        }
        self.wheel.cancel(id)
        self.sessions[Int(id)] = Session()
        return true
    }

    /// Keeps a session that is away for a while longer, because it tries to come back.
    package mutating func keep(_ id: Int32, now: Int64) {
        guard self.sessions[Int(id)].state == .away else { return }
        self.wheel.schedule(id, at: self.tick(of: now) &+ self.keptFor)
    }

    /// Whether the authority called it alive within this time.
    package func isGood(_ id: Int32, within age: Duration, now: Int64) -> Bool {
        let session = self.sessions[Int(id)]
        return session.isAnswered && self.tick(of: now) &- session.goodAt <= Self.ticks(age)
    }

    /// Whether its last good answer is older than the bound.
    package func isStale(_ id: Int32, now: Int64) -> Bool {
        self.tick(of: now) &- self.sessions[Int(id)].goodAt > Self.ticks(self.configuration.stalenessMax)
    }

    /// The time since its last good answer, or since it came.
    package func age(of id: Int32, now: Int64) -> Duration {
        let (tick, goodAt) = (self.tick(of: now), self.sessions[Int(id)].goodAt)
        return .nanoseconds(Int64(tick - Swift.min(tick, goodAt)) * Self.tick)
    }

    /// Whether it was found stale since its last good answer.
    package func wasFoundStale(_ id: Int32) -> Bool { self.sessions[Int(id)].isStale }

    /// Whether the last call about it brought no answer.
    package func isUnanswered(_ id: Int32) -> Bool { self.sessions[Int(id)].state == .unanswered }

    /// How long until its turn; nil where that has come.
    package func wait(of id: Int32, now: Int64) -> Duration? {
        let state = self.sessions[Int(id)].state
        guard state == .scheduled || state == .unanswered, let due = self.wheel.deadline(of: id) else { return nil }
        return .nanoseconds(Int64(due - Swift.min(due, self.tick(of: now))) * Self.tick)
    }

    // MARK: - Time

    /// Moves time on: what became due is queued.
    ///
    /// - Returns: Sessions that are forgotten.
    package mutating func advance(to now: Int64, isPushHealthy: Bool) -> [Int32] {
        self.follow(isPushHealthy: isPushHealthy, now: now)
        var forgotten: [Int32] = []
        var expired: [Int32] = []
        swap(&expired, &self.expired)
        expired.removeAll(keepingCapacity: true)
        let tick = self.tick(of: now)
        self.wheel.advance(to: tick, into: &expired)
        for id in expired {
            let session = self.sessions[Int(id)]
            if session.state == .away {
                self.sessions[Int(id)] = Session()
                forgotten.append(id)
                continue
            }
            if session.state == .unanswered { self.unansweredCount -= 1 }
            if session.isOpen {
                self.enqueue(id, dueAt: session.state == .unanswered ? session.dueAt : tick, now: now)
            } else {
                self.putAway(id, now: now)
            }
        }
        swap(&expired, &self.expired)
        return forgotten
    }

    private mutating func enqueue(_ id: Int32, dueAt: UInt32, now: Int64) {
        if self.due.count == 0 { self.gatheringSince = now }
        self.sessions[Int(id)].state = .due
        self.sessions[Int(id)].dueAt = dueAt
        self.due.insert(id, due: dueAt)
    }

    private mutating func putAway(_ id: Int32, now: Int64) {
        self.sessions[Int(id)].state = .away
        self.wheel.schedule(id, at: self.tick(of: now) &+ self.keptFor)
    }

    /// While push is away pull covers for it, which concerns the turns already set too.
    private mutating func follow(isPushHealthy: Bool, now: Int64) {
        if self.isDegraded == isPushHealthy {
            self.isDegraded = !isPushHealthy
            self.hastenFrom = self.isDegraded ? 0 : nil
        }
        guard let start = self.hastenFrom else { return }
        let tick = self.tick(of: now)
        let end = Swift.min(self.sessions.count, start + Self.slice)
        for id in start..<max(start, end) where self.sessions[id].state == .scheduled {
            guard let due = self.wheel.deadline(of: Int32(id)), due > tick &+ self.intervalDegraded else { continue }
            let wait = UInt32.random(in: 1...self.intervalDegraded, using: &self.random)
            self.wheel.schedule(Int32(id), at: tick &+ wait)
        }
        self.hastenFrom = end < self.sessions.count ? end : nil
    }

    /// Sessions that should have been answered by `now`: those without an answer, and those that wait for their call.
    package func overdue(now: Int64) -> Int {
        self.due.count(before: self.tick(of: now &- Self.overdueAfter)) + self.unansweredCount
    }

    /// The next open sessions whose last good answer is older than the bound, each once until it has another. All are
    /// looked at once in about 30 seconds of calls that come every 50 ms.
    package mutating func sweepStale(now: Int64) -> [Int32] {
        let limit = self.tick(of: now &- Swift.min(self.configuration.stalenessMax.nanoseconds, now))
        var stale: [Int32] = []
        for _ in 0..<Swift.min(Self.slice, self.sessions.count / 600 + 1, self.sessions.count) {
            if self.sweepStart >= self.sessions.count { self.sweepStart = 0 }
            let id = self.sweepStart
            self.sweepStart += 1
            let session = self.sessions[id]
            guard session.isOpen, !session.isStale, session.goodAt < limit else { continue }
            self.sessions[id].isStale = true
            stale.append(Int32(id))
        }
        return stale
    }

    // MARK: - Calls

    /// The sessions of the next call, those first that have been due longest; nil where none is to be made now. Each
    /// call must be followed by `callSucceeded` or `callFailed`, and each session in it by `answered` or `unanswered`.
    ///
    /// - Parameter guests: Others that somebody waits for: they fill the batch first and need not be full.
    package mutating func nextBatch(guests: Int = 0, now: Int64) -> [Int32]? {
        guard self.running < self.configuration.concurrencyMax else { return nil }
        let isReady =
            self.due.count >= self.configuration.batchMax
            || now - self.gatheringSince >= self.configuration.batchWait.nanoseconds
        guard guests > 0 || (self.due.count > 0 && isReady) else { return nil }
        guard self.bucket.wait(now: now) == 0, self.breaker.mayCall(now: now) else { return nil }
        let batch = self.take(max(0, self.configuration.batchMax - guests), now: now)
        guard guests > 0 || !batch.isEmpty else {
            self.breaker.callDropped()
            return nil
        }
        _ = self.bucket.take(now: now)
        self.running += 1
        return batch
    }

    private mutating func take(_ max: Int, now: Int64) -> [Int32] {
        var batch: [Int32] = []
        while batch.count < max, let id = self.due.popFirst() {
            if self.sessions[Int(id)].isOpen {
                self.sessions[Int(id)].state = .asked
                batch.append(id)
            } else {
                self.putAway(id, now: now)
            }
        }
        self.gatheringSince = now
        return batch
    }

    package mutating func callSucceeded() {
        self.running -= 1
        self.breaker.callSucceeded()
    }

    /// - Returns: How long to leave those alone that the call asked about.
    package mutating func callFailed(now: Int64) -> Duration {
        self.running -= 1
        return self.breaker.callFailed(now: now, random: .random(in: 0..<1, using: &self.random))
    }

    /// Whether the authority failed so often that calls wait.
    package var isCircuitOpen: Bool { self.breaker.isOpen }
    /// Whether it has, and no call is made yet.
    package func isResting(now: Int64) -> Bool { self.breaker.isResting(now: now) }

    /// The authority said that it is alive, or dead: either way it is asked about again after the interval.
    ///
    /// - Parameter within: The answer is good for no longer than this.
    package mutating func answered(_ id: Int32, isGood: Bool, within: Duration? = nil, now: Int64) {
        guard self.isAsked(id) else { return }
        self.settle(id, isGood: isGood, within: within, now: now)
    }

    /// The same of a session that was not asked for by the schedule, but by who waits at the door.
    package mutating func answeredAtDoor(_ id: Int32, within: Duration? = nil, now: Int64) {
        switch self.sessions[Int(id)].state {
        case .unanswered: self.unansweredCount -= 1
        case .scheduled, .away: break
        // What is asked about already is asked about once more.
        case .free, .due, .asked: return self.markGood(id, now: now)
        }
        self.settle(id, isGood: true, within: within, now: now)
    }

    /// There was no answer: asked about again after `wait`.
    package mutating func unanswered(_ id: Int32, wait: Duration, now: Int64) {
        guard self.isAsked(id) else { return }
        self.unansweredCount += 1
        self.sessions[Int(id)].state = .unanswered
        let ticks = Swift.min(Self.ticks(wait), self.currentInterval)
        let jitter = UInt32.random(in: 0...ticks, using: &self.random)
        self.wheel.schedule(id, at: self.tick(of: now) &+ ticks &+ jitter)
    }

    private func isAsked(_ id: Int32) -> Bool {
        id >= 0 && Int(id) < self.sessions.count && self.sessions[Int(id)].state == .asked
    }

    private mutating func markGood(_ id: Int32, now: Int64) {
        self.sessions[Int(id)].goodAt = self.tick(of: now)
        self.sessions[Int(id)].isAnswered = true
        self.sessions[Int(id)].isStale = false
    }

    private mutating func settle(_ id: Int32, isGood: Bool, within: Duration?, now: Int64) {
        if isGood { self.markGood(id, now: now) }
        // Up to a tenth early, never late: so that batches drift apart and the interval still holds.
        let interval = Swift.min(self.currentInterval, within.map(Self.ticks) ?? .max)
        let wait = interval - UInt32.random(in: 0...(interval / 10), using: &self.random)
        self.sessions[Int(id)].state = .scheduled
        self.wheel.schedule(id, at: self.tick(of: now) &+ max(1, wait))
    }
}
