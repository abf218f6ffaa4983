// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore
import MartletInstruments
import Synchronization

/// The invalidations that a token could still fall under: bounded, compact, thread-safe.
///
/// Who closes connections inserts first and closes then; who admits one registers it first and asks for the verdict
/// then: so no order of the two leaves a revoked connection open.
///
/// The table is cut into segments, each with its own lock and each growing alone, so that no insertion waits for more
/// than a segment to be copied. At the bound the oldest entries of a segment give way, and the *floor* says up to which
/// time of issue a token may have fallen under one of them.
package final class RevocationTable: Sendable {
    private final class Segment: Sendable {
        let slots = Mutex(RevocationSlots())
    }

    private let segments: [Segment]
    private let segmentMax: Int
    private let key = SipHash.Key.random()
    private let lifetimeMax: Int64
    private let leeway: Int64
    private let entries = Atomic<Int>(0)
    /// Whole seconds since 1970; `Int64.min` for none.
    private let floorTime = Atomic<Int64>(.min)
    /// The most that the wall clock was ever ahead of the monotonic one: turns an expiry back into a time that is never
    /// too early, even where the wall clock was set back.
    private let offsetMax = Atomic<Int64>(.min)
    private let nextToExpire = Atomic<Int>(0)
    private let wall: @Sendable () -> Double
    private let monotonic: @Sendable () -> Int64
    private let metrics: SessionMetrics?

    /// What is hashed with a name, so that a session and a user of the same name are two.
    private enum Kind {
        static let session = UInt8(ascii: "s")
        static let token = UInt8(ascii: "t")
        static let user = UInt8(ascii: "u")
        static let claim = UInt8(ascii: "c")
    }

    /// Entries that one call of `expire` looks at, at most and about.
    private static let expireSlice = 65_536

    /// - Parameters:
    ///   - max: Entries remembered.
    ///   - wall: Seconds since 1970.
    ///   - monotonic: Nanoseconds that never go back.
    package init(
        max: Int, tokenLifetimeMax: Duration, leeway: Duration = .seconds(60), metrics: SessionMetrics? = nil,
        wall: @escaping @Sendable () -> Double = { Clock.wall },
        monotonic: @escaping @Sendable () -> Int64 = { Clock.monotonic }
    ) {
        // About 10,000 entries a segment at the bound: a copy of one takes less than a millisecond.
        var count = 1
        while count < 1_024, count * 10_000 < max { count *= 2 }
        self.segments = (0..<count).map { _ in Segment() }
        self.segmentMax = Swift.max(1, (max + count - 1) / count)
        self.lifetimeMax = tokenLifetimeMax.components.seconds
        self.leeway = leeway.components.seconds
        self.metrics = metrics
        self.wall = wall
        self.monotonic = monotonic
        metrics?.observe(self)
    }

    package var count: Int { self.entries.load(ordering: .relaxed) }

    /// Tokens issued at or before this time (seconds since 1970) need a validation; nil where nothing was evicted.
    package var floor: Int64? {
        let floor = self.floorTime.load(ordering: .acquiring)
        return floor == .min ? nil : floor
    }

    /// Memory that the entries and their free neighbours take.
    package var bytes: Int { self.segments.reduce(0) { $0 + $1.slots.withLock { $0.bytes } } }

    /// Remembers an invalidation. Applying one twice is harmless.
    ///
    /// - Parameter receivedAt: When it came in, in seconds since 1970; for one that is replayed, when its source took it.
    package func insert(_ invalidation: Invalidation, receivedAt: Double) -> Insertion {
        let insertion = self.remember(invalidation, receivedAt: receivedAt)
        self.metrics?.inserted(insertion)
        return insertion
    }

    private func remember(_ invalidation: Invalidation, receivedAt: Double) -> Insertion {
        let (wall, now) = self.time()
        let before = invalidation.target.before
        let base = Swift.max(invalidation.at, receivedAt, Double(before ?? 0))
        let expiry = (base.isFinite ? base : wall) + Double(self.lifetimeMax + self.leeway) - wall + Double(now)
        guard expiry > Double(now) else { return .expired }
        let key = self.digest(invalidation.target)
        let entry = RevocationSlots.Entry(
            key, before: before.map { UInt32(clamping: $0) } ?? .max,
            expiry: UInt32(Swift.min(expiry.rounded(.up), Double(RevocationSlots.Entry.expiryMax))),
            reason: RevocationReason(invalidation))
        return self.segment(key).slots.withLock { slots in
            if slots.count >= self.segmentMax, slots.find(key) == nil { self.makeRoom(in: &slots, now: now) }
            let count = slots.count
            let isNews = slots.insert(entry)
            self.entries.add(slots.count - count, ordering: .relaxed)
            return isNews ? .added : .known
        }
    }

    package func verdict(for identity: Identity) -> RevocationVerdict {
        let now = self.now
        let issuedAt = identity.issuedAt ?? .min
        if let session = identity.session, let reason = self.match(Kind.session, "", session, .min, now) {
            return .revoked(reason)
        }
        if let token = identity.token, let reason = self.match(Kind.token, "", token, .min, now) {
            return .revoked(reason)
        }
        if !identity.isAnonymous, let reason = self.match(Kind.user, "", identity.user, issuedAt, now) {
            return .revoked(reason)
        }
        for claim in identity.claims {
            if let reason = self.match(Kind.claim, claim.name, claim.value, issuedAt, now) { return .revoked(reason) }
        }
        // Read after the look-ups: whoever evicted an entry that they missed had raised the floor before.
        guard let floor = self.floor, issuedAt <= floor else { return .clear }
        let isNobody = identity.isAnonymous && identity.session == nil && identity.token == nil
        return isNobody ? .clear : .belowFloor
    }

    /// Whether exactly this target is remembered.
    package func contains(_ target: Invalidation.Target) -> Bool {
        let now = self.now
        let key = self.digest(target)
        guard let entry = self.segment(key).slots.withLock({ $0.find(key) }), entry.expiry > now else { return false }
        return target.before.map { $0 <= Int64(entry.before) } ?? true
    }

    /// Raises the floor, where revocations up to that time (seconds since 1970) were lost before they came here.
    package func raiseFloor(to time: Int64) {
        _ = self.floorTime.max(time, ordering: .acquiringAndReleasing)
    }

    /// Forgets what has expired, a slice a call; to be called every second or so.
    package func expire() {
        let now = self.time().monotonic
        var looked = 0
        for _ in self.segments.indices where looked < Self.expireSlice {
            let index = self.nextToExpire.wrappingAdd(1, ordering: .relaxed).oldValue
            let segment = self.segments[index & (self.segments.count - 1)]
            segment.slots.withLock { slots in
                let count = slots.count
                let expired = slots.expire(now: now)
                looked += expired > 0 ? count : 64
                self.entries.subtract(expired, ordering: .relaxed)
            }
        }
    }

    /// Lets entries that have expired go, or else the oldest thirty-second of them.
    private func makeRoom(in slots: inout RevocationSlots, now: UInt32) {
        var gone = slots.expire(now: now)
        if gone == 0 {
            let quota = Swift.max(1, slots.count / 32)
            let last = slots.expiry(ofOldest: quota)
            let offset = self.offsetMax.load(ordering: .relaxed)
            // What is evicted dates from this time, less the leeway, at the latest; the floor rises before it goes.
            self.raiseFloor(to: Int64(last) + offset - self.lifetimeMax)
            gone = slots.evict(quota, upTo: last)
            self.metrics?.revocationsEvicted.add(gone)
        }
        self.entries.subtract(gone, ordering: .relaxed)
    }

    private func match(
        _ kind: UInt8, _ name: String, _ value: String, _ issuedAt: Int64, _ now: UInt32
    ) -> CloseReason? {
        let key = self.digest(kind, name, value)
        guard let entry = self.segment(key).slots.withLock({ $0.find(key) }), entry.expiry > now,
            issuedAt <= Int64(entry.before)
        else { return nil }
        return entry.reason.closeReason
    }

    private var now: UInt32 { UInt32(clamping: self.monotonic() / 1_000_000_000) }

    private func time() -> (wall: Double, monotonic: UInt32) {
        let (wall, seconds) = (self.wall(), self.now)
        let offset = Int64(Swift.min(Swift.max(wall, 0), 1e12).rounded(.up)) - Int64(seconds)
        if offset > self.offsetMax.load(ordering: .relaxed) { _ = self.offsetMax.max(offset, ordering: .relaxed) }
        return (wall, seconds)
    }

    private func segment(_ key: SipHash.Digest) -> Segment {
        self.segments[Int(truncatingIfNeeded: key.low) & (self.segments.count - 1)]
    }
}

// MARK: - Keys

extension RevocationTable {
    private func digest(_ target: Invalidation.Target) -> SipHash.Digest {
        switch target {
        case .session(let session): self.digest(Kind.session, "", session)
        case .token(let token): self.digest(Kind.token, "", token)
        case .user(let user, _): self.digest(Kind.user, "", user)
        case .claim(let name, let value, _): self.digest(Kind.claim, name, value)
        }
    }

    /// No name holds the byte 0xFF, so no two targets are written alike.
    private func digest(_ kind: UInt8, _ name: String, _ value: String) -> SipHash.Digest {
        var hash = SipHash(self.key)
        hash.update(value)
        hash.update(0xFF)
        hash.update(name)
        hash.update(0xFF)
        hash.update(kind)
        return hash.finalize()
    }
}

extension Invalidation.Target {
    /// Up to when tokens must have been issued to be matched; nil where it does not matter.
    fileprivate var before: Int64? {
        switch self {
        case .session, .token: nil
        case .user(_, let before), .claim(_, _, let before): before
        }
    }
}
