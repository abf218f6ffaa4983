// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// What `SessionRoster` guards with its lock: about 60 bytes a session beside the shared identity.
///
/// Time is counted in ticks of 100 ms on the monotonic clock.
struct Roster: Sendable {
    static let tick: Int64 = 100_000_000

    private enum State: UInt8 {
        case free, scheduled, queued, asked
    }

    private struct Session {
        var identity: Identity?
        var hash: UInt32 = 0
        /// The tick of the last good answer; opening counts as one, because a token was verified.
        var goodAt: UInt32 = 0
        var connections: UInt32 = 0
        var state = State.free
        /// Whether the last answer was none.
        var isUnknown = false
        /// Whether it was found stale since the last good answer.
        var isStale = false
    }

    private struct Waiting {
        var id: Int32
        var due: UInt32
    }

    private let interval: UInt32
    private let intervalDegraded: UInt32
    private let lingeringMax: Int
    private let unboundedLifetime: Int64?
    private var sessions: [Session] = []
    private var freed: [Int32] = []
    private var index = SessionIndex()
    private var wheel = TimerWheel(slots: 8_192)
    /// Due and not asked about yet, oldest first, from `queueStart` on.
    private var queue: [Waiting] = []
    private var queueStart = 0
    private var expired: [Int32] = []
    /// Sessions on the wheel whose last answer was none.
    private var unanswered = 0
    private var lingering = 0
    private var sweepStart = 0
    private(set) var count = 0
    /// Set where push does not work: sessions are then asked about more often.
    private(set) var isDegraded = false

    init(_ configuration: ValidationConfiguration) {
        self.interval = Self.ticks(configuration.interval)
        self.intervalDegraded = Swift.min(Self.ticks(configuration.intervalDegraded), self.interval)
        self.lingeringMax = configuration.lingeringMax
        self.unboundedLifetime = configuration.unboundedLifetime?.components.seconds
    }

    var bytes: Int {
        self.sessions.capacity * (MemoryLayout<Session>.stride + 12) + self.index.bytes
            + self.queue.capacity * MemoryLayout<Waiting>.stride
    }

    static func tick(of now: Int64) -> UInt32 { UInt32(clamping: now / Self.tick) }

    private static func ticks(_ duration: Duration) -> UInt32 {
        UInt32(clamping: max(1, duration.nanoseconds / Self.tick))
    }

    private var currentInterval: UInt32 { self.isDegraded ? self.intervalDegraded : self.interval }

    // MARK: Connections

    mutating func opened(_ identity: Identity, _ key: String, _ now: Int64) {
        let hash = UInt32(truncatingIfNeeded: key.hashValue)
        if let id = self.find(key, hash) {
            if self.sessions[Int(id)].connections == 0 {
                self.lingering -= 1
                self.count += 1
                self.sessions[Int(id)].isStale = false
            }
            self.sessions[Int(id)].connections += 1
            self.sessions[Int(id)].identity = identity
            return
        }
        let tick = Self.tick(of: now)
        let session = Session(identity: identity, hash: hash, goodAt: tick, connections: 1, state: .scheduled)
        let id: Int32
        if let last = self.freed.popLast() {
            id = last
            self.sessions[Int(id)] = session
        } else {
            id = Int32(self.sessions.count)
            self.sessions.append(session)
        }
        self.index.insert(id, hash) { self.sessions[Int($0)].hash }
        self.count += 1
        // Spread over the whole interval, so that those who come together are not asked about together.
        let wait = self.isUnbounded(identity) ? 1 : UInt32.random(in: 1...self.currentInterval)
        self.wheel.schedule(id, at: tick &+ wait)
    }

    mutating func closed(_ key: String) {
        let hash = UInt32(truncatingIfNeeded: key.hashValue)
        guard let id = self.find(key, hash), self.sessions[Int(id)].connections > 0 else { return }
        self.sessions[Int(id)].connections -= 1
        guard self.sessions[Int(id)].connections == 0 else { return }
        self.count -= 1
        self.lingering += 1
        if self.lingering > self.lingeringMax, self.sessions[Int(id)].state == .scheduled {
            self.wheel.cancel(id)
            if self.sessions[Int(id)].isUnknown { self.unanswered -= 1 }
            self.free(id)
        }
    }

    private func find(_ key: String, _ hash: UInt32) -> Int32? {
        self.index.find(hash) { id in
            self.sessions[Int(id)].hash == hash && self.sessions[Int(id)].identity?.sessionKey == key
        }
    }

    private func isUnbounded(_ identity: Identity) -> Bool {
        guard let lifetime = self.unboundedLifetime else { return false }
        guard let issuedAt = identity.issuedAt, let expiresAt = identity.expiresAt else { return true }
        return expiresAt.subtractingReportingOverflow(issuedAt).partialValue > lifetime
    }

    /// Forgets a session that has no connection, no deadline, and is asked about by nobody.
    private mutating func free(_ id: Int32) {
        self.index.remove(id, self.sessions[Int(id)].hash) { self.sessions[Int($0)].hash }
        self.sessions[Int(id)] = Session()
        self.freed.append(id)
        self.lingering -= 1
    }

    func standing(of key: String, _ now: Int64) -> SessionStanding? {
        guard let id = self.find(key, UInt32(truncatingIfNeeded: key.hashValue)) else { return nil }
        let (session, tick) = (self.sessions[Int(id)], Self.tick(of: now))
        let due = session.state == .scheduled ? self.wheel.deadline(of: id) : nil
        return SessionStanding(
            goodFor: .nanoseconds(Int64(tick - min(tick, session.goodAt)) * Self.tick),
            answer: session.isStale ? .stale : session.isUnknown ? .unknown : .active,
            nextIn: due.map { .nanoseconds(Int64($0 - min($0, tick)) * Self.tick) })
    }

    // MARK: What is due

    /// Queues what became due; what has no connection any more is forgotten instead.
    mutating func advance(to now: Int64) {
        self.expired.removeAll(keepingCapacity: true)
        var expired: [Int32] = []
        swap(&expired, &self.expired)
        self.wheel.advance(to: Self.tick(of: now), into: &expired)
        for id in expired {
            if self.sessions[Int(id)].isUnknown { self.unanswered -= 1 }
            if self.sessions[Int(id)].connections == 0 {
                self.free(id)
            } else {
                self.sessions[Int(id)].state = .queued
                self.queue.append(Waiting(id: id, due: self.wheel.now))
            }
        }
        swap(&expired, &self.expired)
    }

    /// Sessions that wait, and since when the first does.
    var waiting: (count: Int, since: Int64)? {
        guard self.queueStart < self.queue.count else { return nil }
        return (self.queue.count - self.queueStart, Int64(self.queue[self.queueStart].due) * Self.tick)
    }

    /// The next sessions to ask about, those that waited longest first.
    mutating func take(_ max: Int) -> [SessionToValidate] {
        var taken: [SessionToValidate] = []
        while taken.count < max, self.queueStart < self.queue.count {
            let id = self.queue[self.queueStart].id
            self.queueStart += 1
            if self.sessions[Int(id)].connections > 0, let identity = self.sessions[Int(id)].identity {
                self.sessions[Int(id)].state = .asked
                taken.append(SessionToValidate(identity: identity, id: id))
            } else {
                self.free(id)
            }
        }
        if self.queueStart > 1_024, self.queueStart * 2 > self.queue.count {
            self.queue.removeFirst(self.queueStart)
            self.queueStart = 0
        }
        return taken
    }

    /// Sessions that should have been answered by `now`: those without an answer, and those that wait for their call for
    /// longer than a second.
    func overdue(_ now: Int64) -> Int {
        let limit = Self.tick(of: now &- 1_000_000_000)
        var (low, high) = (self.queueStart, self.queue.count)
        while low < high {
            let middle = (low + high) / 2
            if self.queue[middle].due < limit { low = middle + 1 } else { high = middle }
        }
        return low - self.queueStart + self.unanswered
    }

    // MARK: Answers

    /// The authority said that it is alive, or dead: either way it is asked about again after the interval.
    mutating func answered(_ session: SessionToValidate, isGood: Bool, now: Int64) {
        let id = Int(session.id)
        guard id >= 0, id < self.sessions.count, self.sessions[id].state == .asked else { return }
        self.sessions[id].isUnknown = false
        if isGood {
            self.sessions[id].goodAt = Self.tick(of: now)
            self.sessions[id].isStale = false
        }
        // Up to a tenth early, never late: so that batches drift apart and the interval still holds.
        let interval = self.currentInterval
        self.schedule(session.id, after: interval - UInt32.random(in: 0...(interval / 10)), now: now)
    }

    /// There was no answer: asked about again after `wait`.
    mutating func unanswered(_ session: SessionToValidate, wait: Duration, now: Int64) {
        let id = Int(session.id)
        guard id >= 0, id < self.sessions.count, self.sessions[id].state == .asked else { return }
        self.unanswered += 1
        self.sessions[id].isUnknown = true
        let ticks = Swift.min(Self.ticks(wait), self.currentInterval)
        self.schedule(session.id, after: ticks + UInt32.random(in: 0...ticks), now: now)
    }

    private mutating func schedule(_ id: Int32, after ticks: UInt32, now: Int64) {
        self.sessions[Int(id)].state = .scheduled
        self.wheel.schedule(id, at: Self.tick(of: now) &+ max(1, ticks))
    }

    // MARK: Sweeps, in slices

    /// Takes note of whether push works. Where it stopped, deadlines must be brought forward with `hasten`.
    mutating func setDegraded(_ isDegraded: Bool) { self.isDegraded = isDegraded }

    /// Brings deadlines of the sessions from `start` on within the shorter interval; returns where to go on, or nil.
    mutating func hasten(from start: Int, _ slice: Int, now: Int64) -> Int? {
        let tick = Self.tick(of: now)
        let end = Swift.min(self.sessions.count, start + slice)
        for id in start..<max(start, end) where self.sessions[id].state == .scheduled {
            guard let due = self.wheel.deadline(of: Int32(id)), due > tick &+ self.intervalDegraded else { continue }
            self.wheel.schedule(Int32(id), at: tick &+ UInt32.random(in: 1...self.intervalDegraded))
        }
        return end < self.sessions.count ? end : nil
    }

    /// The next sessions whose last good answer is older than `age`, each once until it has another.
    mutating func sweepStale(_ slice: Int, olderThan age: Duration, now: Int64) -> [Identity] {
        let limit = Self.tick(of: now &- Swift.min(age.nanoseconds, now))
        var stale: [Identity] = []
        for _ in 0..<Swift.min(slice, self.sessions.count) {
            if self.sweepStart >= self.sessions.count { self.sweepStart = 0 }
            let id = self.sweepStart
            self.sweepStart += 1
            guard self.sessions[id].connections > 0, !self.sessions[id].isStale, self.sessions[id].goodAt < limit else {
                continue
            }
            self.sessions[id].isStale = true
            if let identity = self.sessions[id].identity { stale.append(identity) }
        }
        return stale
    }

    var slotCount: Int { self.sessions.count }
}
