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
/// than a segment to be copied; that nothing is remembered of a name, nearly every look-up learns without a lock. At
/// the bound the oldest entries of a segment give way, and the *floor* says up to which time of issue a token may have
/// fallen under one of them.
package final class RevocationTable: Sendable {
    private let segments: [RevocationSegment]
    private let filter: RevocationFilter
    private let max: Int
    /// Names are spread at random: one segment has some more than its share, and none has much more.
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

    /// Entries that one call of `expire` looks at: a segment of a full table, the least that goes at once, or some more
    /// of those that are not full.
    private static let expireSlice = 4_096
    /// What a segment counts for in which nothing expires.
    private static let costOfSegment = 16

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
        while count < 16_384, count * 10_000 < max { count *= 2 }
        let filter = RevocationFilter(segments: count)
        self.filter = filter
        self.segments = (0..<count).map { RevocationSegment($0, filter: filter) }
        self.max = Swift.max(1, max)
        self.segmentMax = count == 1 ? Int.max : Swift.max(16, max / count * 5 / 4)
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

    /// Memory that the entries and their free neighbours take, and what tells quickly that there is none.
    package var bytes: Int { self.segments.reduce(self.filter.bytes) { $0 + $1.bytes } }

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
        let offset = self.offsetMax.load(ordering: .relaxed)
        let outcome = self.segment(key).insert(entry, now: now) { count in
            count >= self.segmentMax || self.count >= self.max
        } willEvict: { last in
            // What is evicted dates from this time, less the leeway, at the latest; the floor rises before it goes.
            self.raiseFloor(to: Int64(last) + offset - self.lifetimeMax)
        }
        if outcome.evicted > 0 { self.metrics?.revocationsEvicted.add(outcome.evicted) }
        let change = outcome.added - outcome.expired - outcome.evicted
        if change != 0 { self.entries.add(change, ordering: .relaxed) }
        return outcome.isNews ? .added : .known
    }

    /// What is remembered of an identity. All its names are hashed before any is looked for, so that the memory that
    /// answers for one is on its way while the next is asked for.
    package func verdict(for identity: Identity) -> RevocationVerdict {
        let names = identity.names
        let (session, token, user) = (
            self.digest(Kind.session, names.bytes, names.session), self.digest(Kind.token, names.bytes, names.token),
            self.digest(Kind.user, names.bytes, names.user)
        )
        let mayHold = (session: self.mayHold(session), token: self.mayHold(token), user: self.mayHold(user))
        // An absent name was hashed as an empty one.
        if mayHold.session, !names.session.isEmpty, let reason = self.match(session, .min) { return .revoked(reason) }
        if mayHold.token, !names.token.isEmpty, let reason = self.match(token, .min) { return .revoked(reason) }
        let issuedAt = identity.issuedAt ?? .min
        if mayHold.user, !names.user.isEmpty, let reason = self.match(user, issuedAt) { return .revoked(reason) }
        for claim in identity.claims {
            let key = self.digest(Kind.claim, claim.name, claim.value)
            if self.mayHold(key), let reason = self.match(key, issuedAt) { return .revoked(reason) }
        }
        // Read after the look-ups: whoever evicted an entry that they missed had raised the floor before.
        guard let floor = self.floor, issuedAt <= floor else { return .clear }
        return names.bytes.isEmpty ? .clear : .belowFloor
    }

    /// Whether exactly this target is remembered.
    package func contains(_ target: Invalidation.Target) -> Bool {
        let now = self.now
        let key = self.digest(target)
        guard self.mayHold(key), let entry = self.segment(key).find(key), entry.expiry > now else { return false }
        return target.before.map { $0 <= Int64(entry.before) } ?? true
    }

    /// What is remembered of a target, whatever time of issue it names; nil for nothing.
    package func remembered(_ target: Invalidation.Target) -> RememberedRevocation? {
        let now = self.now
        let key = self.digest(target)
        guard let entry = self.segment(key).find(key), entry.expiry > now else { return nil }
        return RememberedRevocation(
            closeReason: entry.reason.closeReason, before: target.before == nil ? nil : Int64(entry.before),
            secondsLeft: Int(entry.expiry - now))
    }

    /// Raises the floor, where revocations up to that time (seconds since 1970) were lost before they came here.
    package func raiseFloor(to time: Int64) {
        _ = self.floorTime.max(time, ordering: .acquiringAndReleasing)
    }

    /// How often `expire` is to be called: a full table that expires as a whole is then gone through in minutes, and one
    /// where nothing does in a second or so.
    package static let expireInterval: Duration = .milliseconds(250)

    /// Forgets what has expired, a slice a call.
    package func expire() {
        let now = self.time().monotonic
        var looked = 0
        for _ in self.segments.indices where looked < Self.expireSlice {
            let index = self.nextToExpire.wrappingAdd(1, ordering: .relaxed).oldValue
            let segment = self.segments[index & (self.segments.count - 1)]
            let (count, expired) = segment.expire(now: now)
            looked += expired > 0 ? count : Self.costOfSegment
            if expired > 0 { self.entries.subtract(expired, ordering: .relaxed) }
        }
    }

    private func match(_ key: SipHash.Digest, _ issuedAt: Int64) -> CloseReason? {
        guard let entry = self.segment(key).find(key), issuedAt <= Int64(entry.before), entry.expiry > self.now else {
            return nil
        }
        return entry.reason.closeReason
    }

    private var now: UInt32 { UInt32(clamping: self.monotonic() / 1_000_000_000) }

    private func time() -> (wall: Double, monotonic: UInt32) {
        let (wall, seconds) = (self.wall(), self.now)
        let offset = Int64(Swift.min(Swift.max(wall, 0), 1e12).rounded(.up)) - Int64(seconds)
        if offset > self.offsetMax.load(ordering: .relaxed) { _ = self.offsetMax.max(offset, ordering: .relaxed) }
        return (wall, seconds)
    }

    @inline(__always)
    private func mayHold(_ key: SipHash.Digest) -> Bool { self.filter.mayHold(key, segment: self.index(key)) }

    private func segment(_ key: SipHash.Digest) -> RevocationSegment { self.segments[self.index(key)] }

    private func index(_ key: SipHash.Digest) -> Int {
        Int(truncatingIfNeeded: key.low) & (self.segments.count - 1)
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
        hash.update(value.utf8.span)
        hash.update(0xFF)
        hash.update(name.utf8.span)
        hash.update(UInt64(kind) << 8 | 0xFF, count: 2)
        return hash.finalize()
    }

    /// The same of a name that lies in bytes, and of no claim.
    private func digest(_ kind: UInt8, _ bytes: [UInt8], _ range: Range<Int>) -> SipHash.Digest {
        var hash = SipHash(self.key)
        hash.update(bytes.span.extracting(range))
        hash.update(UInt64(kind) << 16 | 0xFFFF, count: 3)
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
