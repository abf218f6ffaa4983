// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletPolicy

/// What `SessionRoster` guards with its lock: which session is which of the schedule's, about 60 bytes a session in all
/// beside the shared identity.
struct Roster: Sendable {
    private struct Session {
        /// Nil while it has no connection.
        var identity: Identity?
        var hash: UInt64 = 0
        var connections: UInt32 = 0
    }

    private let configuration: ValidationConfiguration
    private let unboundedLifetime: Int64?
    private(set) var schedule: ValidationSchedule
    private var sessions: [Session] = []
    private var freed: [Int32] = []
    private var index = SessionIndex()
    /// Sessions without a connection, and where to look for the next that gives way to others.
    private(set) var lingering = 0
    private var evictFrom = 0
    private(set) var count = 0

    init(_ configuration: ValidationConfiguration, now: Int64) {
        self.configuration = configuration
        self.unboundedLifetime = configuration.unboundedLifetime?.components.seconds
        self.schedule = ValidationSchedule(configuration, now: now)
    }

    var bytes: Int {
        self.sessions.capacity * MemoryLayout<Session>.stride + self.index.bytes + self.schedule.bytes
    }

    // MARK: Connections

    mutating func opened(_ identity: Identity, _ key: String, _ now: Int64) {
        let hash = Self.hash(key)
        guard let id = self.find(key, hash) else {
            self.insert(identity, hash, connections: 1, now)
            return
        }
        if self.sessions[Int(id)].connections == 0 {
            self.lingering -= 1
            self.count += 1
            self.schedule.opened(id, now: now)
        }
        self.sessions[Int(id)].connections += 1
        // Of several tokens the one that lives longest stands for the session: another may be past its time.
        let old = self.sessions[Int(id)].identity
        if (old?.expiresAt ?? (old == nil ? .min : .max)) <= identity.expiresAt ?? .max {
            self.sessions[Int(id)].identity = identity
        }
    }

    mutating func closed(_ key: String, _ now: Int64) {
        guard let id = self.find(key, Self.hash(key)), self.sessions[Int(id)].connections > 0 else { return }
        self.sessions[Int(id)].connections -= 1
        guard self.sessions[Int(id)].connections == 0 else { return }
        self.sessions[Int(id)].identity = nil
        self.schedule.closed(id)
        self.count -= 1
        self.lingering += 1
        if self.lingering > self.configuration.lingeringMax { self.evict() }
    }

    /// The authority called it alive before it has a connection.
    mutating func answeredAtDoor(_ identity: Identity, _ key: String, within: Duration?, _ now: Int64) {
        let hash = Self.hash(key)
        let id = self.find(key, hash) ?? self.insert(identity, hash, connections: 0, now)
        self.schedule.answeredAtDoor(id, within: within, now: now)
        if self.lingering > self.configuration.lingeringMax { self.evict() }
    }

    @discardableResult
    private mutating func insert(_ identity: Identity, _ hash: UInt64, connections: UInt32, _ now: Int64) -> Int32 {
        let isOpen = connections > 0
        let session = Session(identity: isOpen ? identity : nil, hash: hash, connections: connections)
        let id: Int32
        if let last = self.freed.popLast() {
            id = last
            self.sessions[Int(id)] = session
        } else {
            id = Int32(self.sessions.count)
            self.sessions.append(session)
        }
        self.index.insert(id, UInt32(truncatingIfNeeded: hash)) {
            UInt32(truncatingIfNeeded: self.sessions[Int($0)].hash)
        }
        if isOpen { self.count += 1 } else { self.lingering += 1 }
        self.schedule.add(id, isOpen: isOpen, isUrgent: self.isUnbounded(identity), now: now)
        return id
    }

    private static func hash(_ key: String) -> UInt64 { UInt64(bitPattern: Int64(key.hashValue)) }

    private func find(_ key: String, _ hash: UInt64) -> Int32? {
        self.index.find(UInt32(truncatingIfNeeded: hash)) { id in
            let session = self.sessions[Int(id)]
            guard session.hash == hash else { return false }
            // Of one without a connection nothing but the hash is kept.
            return session.identity.map { self.configuration.unit.key(of: $0) == key } ?? true
        }
    }

    private func isUnbounded(_ identity: Identity) -> Bool {
        guard let lifetime = self.unboundedLifetime else { return false }
        guard let issuedAt = identity.issuedAt, let expiresAt = identity.expiresAt else { return true }
        return expiresAt.subtractingReportingOverflow(issuedAt).partialValue > lifetime
    }

    // MARK: Forgetting

    /// Forgets a session without a connection, about the one that has been so for longest: the hand goes round.
    private mutating func evict() {
        for _ in self.sessions.indices {
            if self.evictFrom >= self.sessions.count { self.evictFrom = 0 }
            let id = self.evictFrom
            self.evictFrom += 1
            guard self.sessions[id].connections == 0, self.sessions[id].hash != 0, self.schedule.forget(Int32(id))
            else { continue }
            return self.free(Int32(id))
        }
    }

    private mutating func free(_ id: Int32) {
        self.index.remove(id, UInt32(truncatingIfNeeded: self.sessions[Int(id)].hash)) {
            UInt32(truncatingIfNeeded: self.sessions[Int($0)].hash)
        }
        self.sessions[Int(id)] = Session()
        self.freed.append(id)
        self.lingering -= 1
    }

    func standing(of key: String, _ now: Int64) -> SessionStanding? {
        guard let id = self.find(key, Self.hash(key)) else { return nil }
        let schedule = self.schedule
        return SessionStanding(
            goodFor: schedule.age(of: id, now: now),
            answer: schedule.wasFoundStale(id) ? .stale : schedule.isUnanswered(id) ? .unknown : .active,
            nextIn: schedule.wait(of: id, now: now))
    }

    // MARK: The schedule

    mutating func advance(to now: Int64, isPushHealthy: Bool = true) {
        for id in self.schedule.advance(to: now, isPushHealthy: isPushHealthy) { self.free(id) }
    }

    /// The sessions of the next call beside those who wait at the door; nil for no call.
    mutating func nextBatch(guests: Int = 0, now: Int64) -> [SessionToValidate]? {
        guard let ids = self.schedule.nextBatch(guests: guests, now: now) else { return nil }
        return ids.compactMap { id in
            self.sessions[Int(id)].identity.map { SessionToValidate(identity: $0, id: id) }
        }
    }

    mutating func answered(_ session: SessionToValidate, isGood: Bool, within: Duration? = nil, now: Int64) {
        self.schedule.answered(session.id, isGood: isGood, within: within, now: now)
    }

    mutating func unanswered(_ session: SessionToValidate, wait: Duration, now: Int64) {
        self.schedule.unanswered(session.id, wait: wait, now: now)
    }

    mutating func callSucceeded() { self.schedule.callSucceeded() }
    mutating func callFailed(now: Int64) -> Duration { self.schedule.callFailed(now: now) }

    mutating func sweepStale(now: Int64) -> [Identity] {
        self.schedule.sweepStale(now: now).compactMap { self.sessions[Int($0)].identity }
    }

    /// Whether the authority called a session alive within this time.
    func isGood(_ key: String, within age: Duration, now: Int64) -> Bool {
        self.find(key, Self.hash(key)).map { self.schedule.isGood($0, within: age, now: now) } ?? false
    }

    /// Whether a session is known and its last good answer is older than the bound. One that asks is kept for longer.
    mutating func isStale(_ key: String, now: Int64) -> Bool {
        guard let id = self.find(key, Self.hash(key)), self.schedule.isStale(id, now: now) else { return false }
        self.schedule.keep(id, now: now)
        return true
    }
}
