// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MartletSessions

/// The compact table against a dictionary that does the same.
@Suite struct RevocationSlotsTests {
    private struct Model {
        var entries: [SipHash.Digest: (before: UInt32, expiry: UInt32)] = [:]

        mutating func insert(_ key: SipHash.Digest, _ before: UInt32, _ expiry: UInt32) -> Bool {
            guard let known = self.entries[key] else {
                self.entries[key] = (before, expiry)
                return true
            }
            self.entries[key] = (max(known.before, before), max(known.expiry, expiry))
            return before > known.before
        }
    }

    @Test(arguments: 0..<8)
    func agreesWithADictionary(_ seed: UInt64) {
        var random = Xorshift(state: seed &* 0x9E37_79B9_7F4A_7C15 | 1)
        var slots = RevocationSlots()
        var model = Model()
        var keys: [SipHash.Digest] = []
        for step in 0..<6_000 {
            let key: SipHash.Digest
            if !keys.isEmpty, random.next() % 4 == 0 {
                key = keys[Int(random.next() % UInt64(keys.count))]
            } else {
                // A third of the keys fall close together, so that long rows build up.
                let high = random.next() % 3 == 0 ? UInt64(0xFFFF_FFFF) << 32 | random.next() >> 40 : random.next()
                key = .init(high: high, low: random.next())
                keys.append(key)
            }
            let (before, expiry) = (UInt32(random.next() % 50), UInt32(100 + random.next() % 1_000))
            let isNews = slots.insert(.init(key, before: before, expiry: expiry, reason: .user))
            #expect(isNews == model.insert(key, before, expiry))
            if step % 997 == 996 {
                let now = UInt32(100 + random.next() % 600)
                let gone = slots.expire(now: now)
                let kept = model.entries.filter { $0.value.expiry > now }
                #expect(gone == model.entries.count - kept.count)
                model.entries = kept
            }
            #expect(slots.count == model.entries.count)
        }
        for key in keys {
            let (found, expected) = (slots.find(key), model.entries[key])
            #expect(found?.before == expected?.before && found?.expiry == expected?.expiry)
        }
        #expect(slots.find(.init(high: 1, low: 2)) == nil)
        let gone = slots.expire(now: .max)
        #expect(gone == model.entries.count)
        #expect(slots.count == 0 && slots.bytes < 2_048)
    }

    @Test func whereNothingExpiresNothingMoves() {
        var slots = RevocationSlots()
        let (first, second) = (SipHash.Digest(high: 1, low: 1), SipHash.Digest(high: 2, low: 2))
        _ = slots.insert(.init(first, before: 1, expiry: 100, reason: .session))
        _ = slots.insert(.init(second, before: 1, expiry: 300, reason: .session))
        _ = slots.insert(.init(first, before: 1, expiry: 200, reason: .session))
        // The bound is that of the entry before it was widened, and is true from now on.
        #expect(slots.earliest == 100)
        let none = slots.expire(now: 150)
        #expect(none == 0 && slots.count == 2 && slots.earliest == 200)
        let gone = slots.expire(now: 200)
        #expect(gone == 1 && slots.earliest == 300 && slots.find(first) == nil && slots.find(second) != nil)
    }

    @Test func evictsExactlyTheOldest() {
        var slots = RevocationSlots()
        for number in 0..<100 as Range<UInt64> {
            // Ten of each expiry, in no order.
            let entry = RevocationSlots.Entry(
                .init(high: number &* 0x9E37_79B9_7F4A_7C15, low: number), before: 1,
                expiry: UInt32(number % 10) + 1_000, reason: .session)
            let isNews = slots.insert(entry)
            #expect(isNews)
        }
        let last = slots.expiry(ofOldest: 25)
        #expect(last == 1_002)
        let gone = slots.evict(25, upTo: last)
        #expect(gone == 25)
        #expect(slots.count == 75)
        #expect(slots.earliest == 1_002)
    }
}

extension RevocationSlots {
    /// What a segment does where it is not full.
    fileprivate mutating func insert(_ entry: Entry) -> Bool {
        if let isNews = self.widen(with: entry) { return isNews }
        self.add(entry)
        return true
    }
}

/// Small and repeatable.
struct Xorshift: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state ^= self.state << 13
        self.state ^= self.state >> 7
        self.state ^= self.state << 17
        return self.state
    }
}
