// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletInstruments
import Testing

@testable import MartletHub

@Suite("Sweeps of a shard")
struct SweepTests {
    private struct Event {
        let tally = ClosureTally()

        init(_ rig: ShardRig, _ target: Invalidation.Target) {
            rig.hub.invalidate(Invalidation(id: "", target: target, at: 0, source: .kafka), self.tally)
        }
    }

    /// More than these are never ended in one turn.
    private static let endedPerTurnMax = 600

    private static func identity(_ number: Int32, user: String? = nil) -> Identity {
        Identity(
            user: user ?? "u\(number)", session: "s\(number)", token: "t\(number)", issuedAt: 100,
            claims: [.init(name: "device", value: "d\(number)")])
    }

    private static func rig(_ count: Int32) throws -> ShardRig {
        let rig = try ShardRig()
        for slot in 0..<count { rig.shard.register(slot, identity: Self.identity(slot), format: .jsonRPC) }
        return rig
    }

    /// Lets the shard have turns until nothing waits; who was ended in each.
    private static func turns(_ rig: ShardRig, max: Int = 200) -> [[String]] {
        var turns: [[String]] = []
        repeat {
            rig.shard.processMailbox()
            turns.append(rig.edge.take())
        } while rig.metrics.sweepsWaiting.current > 0 && turns.count < max
        return turns
    }

    @Test func thousandsOfEventsAtOnceEndExactlyWhomTheyName() throws {
        let count: Int32 = 12_000
        let rig = try Self.rig(count)
        let named = (0..<count).filter { $0 % 3 == 0 }.map { ($0, Event(rig, .token("t\($0)"))) }
        let claimed = (0..<count).filter { $0 % 10 == 1 }.map {
            ($0, Event(rig, .claim(name: "device", value: "d\($0)", before: 100)))
        }
        let others = [
            Event(rig, .claim(name: "device", value: "d2", before: 99)),
            Event(rig, .claim(name: "d", value: "d2", before: 100)),
            Event(rig, .token("d2")), Event(rig, .token("")),
        ]
        #expect(!rig.hub.isBehind)
        rig.shard.processMailbox()
        let first = rig.edge.take()
        // Sources that can wait do, and receipts do not say yet that it is done.
        #expect(rig.hub.isBehind && !first.isEmpty)
        #expect(!named.contains { $0.1.tally.isComplete } && !claimed.contains { $0.1.tally.isComplete })
        let turns = [first] + Self.turns(rig)
        #expect(turns.allSatisfy { $0.count <= Self.endedPerTurnMax })
        let expected =
            named.map { "\($0.0) ended 4502" } + claimed.filter { $0.0 % 3 != 0 }.map { "\($0.0) ended 4504" }
        #expect(turns.joined().sorted() == expected.sorted())
        #expect(!rig.hub.isBehind && rig.metrics.sweepsWaiting.current == 0)
        #expect(named.allSatisfy { $0.1.tally.isComplete && $0.1.tally.queued == 1 })
        // Where two name one connection it counts for one of them.
        #expect(claimed.allSatisfy { $0.1.tally.isComplete && $0.1.tally.queued == ($0.0 % 3 == 0 ? 0 : 1) })
        #expect(others.allSatisfy { $0.tally.isComplete && $0.tally.queued == 0 })
    }

    /// Each of few connections, as when a service ends all sessions of a tenant one by one.
    @Test func thousandsOfSessionsAtOnceTakeMoreThanOneTurn() throws {
        let count: Int32 = 5_000
        let rig = try Self.rig(count)
        let stranger = Event(rig, .session("nobody"))
        let events = (0..<count).map { Event(rig, .session("s\($0)")) }
        let turns = Self.turns(rig)
        #expect(turns.count >= 8 && turns.allSatisfy { $0.count <= Self.endedPerTurnMax })
        let isExact = turns.joined().sorted() == (0..<count).map { "\($0) ended 4500" }.sorted()
        #expect(isExact)
        #expect((events + [stranger]).allSatisfy { $0.tally.isComplete } && !rig.hub.isBehind)
        #expect(events.allSatisfy { $0.tally.queued == 1 } && stranger.tally.queued == 0)
    }

    @Test func whoIsFoundByNoIndexIsLookedForInSlices() throws {
        let rig = try Self.rig(40_000)
        let event = Event(rig, .claim(name: "device", value: "d39999", before: 100))
        rig.shard.processMailbox()
        #expect(rig.edge.take().isEmpty && !event.tally.isComplete)
        // What comes meanwhile, and names one of those that were looked at, is not lost.
        let late = Event(rig, .token("t0"))
        let turns = Self.turns(rig, max: 20)
        #expect(turns.joined().sorted() == ["0 ended 4502", "39999 ended 4504"])
        #expect(event.tally.isComplete && late.tally.isComplete)
    }

    /// Marks of tokens are looked at, not connections: even of many one turn is enough.
    @Test func aTokenIsFoundAtOnce() throws {
        let rig = try Self.rig(40_000)
        let event = Event(rig, .token("t39999"))
        rig.shard.processMailbox()
        #expect(rig.edge.take() == ["39999 ended 4502"] && event.tally.isComplete)
        rig.hub.tellAll(.user(.disconnect(.token("t7"), CloseNotice(.forceDisconnect))) { _ in })
        rig.shard.processMailbox()
        #expect(rig.edge.take() == ["7 ended 3503"])
    }

    @Test func whoComesDuringASweepIsFoundAndAStrangerIsNot() throws {
        let count: Int32 = 20_000
        let rig = try Self.rig(count)
        let claim = Invalidation.Target.claim(name: "org", value: "x", before: 100)
        let org = Identity(user: "new", token: "new", issuedAt: 100, claims: [.init(name: "org", value: "x")])
        let event = Event(rig, claim)
        rig.shard.processMailbox()
        #expect(rig.edge.take().isEmpty && !event.tally.isComplete)
        // Where the sweep has yet to come, in another's place and behind the end, it finds them itself; where it has been
        // they are found by whoever registers them, who asks the revocations then.
        rig.shard.unregister(count - 1)
        rig.shard.register(count - 1, identity: org, format: .jsonRPC)
        rig.shard.register(count, identity: org, format: .jsonRPC)
        rig.shard.replaceIdentity(count - 2, with: org)
        let turns = Self.turns(rig)
        #expect(turns.joined().sorted() == [count - 2, count - 1, count].map { "\($0) ended 4504" }.sorted())
        // A token's name goes with it.
        rig.shard.replaceIdentity(5, with: Self.identity(count + 5))
        rig.shard.unregister(6)
        rig.shard.register(6, identity: Identity(user: "stranger"), format: .jsonRPC)
        let events = [Event(rig, .token("t5")), Event(rig, .token("t6")), Event(rig, .token("t\(count + 5)"))]
        #expect(Self.turns(rig).joined().sorted() == ["5 ended 4502"])
        #expect(events.map(\.tally.queued) == [0, 0, 1])
    }

    @Test func manyUsersOfManyConnectionsAreEndedInTheOrderOfTheirEvents() throws {
        let rig = try ShardRig()
        let users: Int32 = 100
        for slot in 0..<users * 100 {
            rig.shard.register(slot, identity: Self.identity(slot, user: "u\(slot % users)"), format: .jsonRPC)
        }
        let events = (0..<users).map { Event(rig, .user("u\($0)", before: 100)) }
        var (turns, complete): ([[String]], [Int]) = ([], [])
        repeat {
            rig.shard.processMailbox()
            turns.append(rig.edge.take())
            complete.append(events.count { $0.tally.isComplete })
            let isInOrder = events.prefix(complete.last ?? 0).allSatisfy { $0.tally.isComplete }
            #expect(isInOrder)
        } while rig.metrics.sweepsWaiting.current > 0 && turns.count < 200
        #expect(turns.allSatisfy { $0.count <= Self.endedPerTurnMax } && complete.first.map { $0 < 50 } == true)
        #expect(Set(turns.joined()).count == Int(users) * 100 && turns.joined().count == Int(users) * 100)
        #expect(events.allSatisfy { $0.tally.queued == 100 })
    }

    @Test func ofEventsThatNameTheSameTheLatestCounts() throws {
        let rig = try Self.rig(3)
        let events = [99, 100, 98].map { Event(rig, .claim(name: "device", value: "d1", before: $0)) }
        // Texts that only look alike are two.
        rig.shard.register(3, identity: Identity(user: "a", token: "caf\u{E9}"), format: .jsonRPC)
        rig.shard.register(4, identity: Identity(user: "b", token: "cafe\u{301}"), format: .jsonRPC)
        _ = Event(rig, .token("caf\u{E9}"))
        #expect(Self.turns(rig).joined().sorted() == ["1 ended 4504", "3 ended 4502"])
        #expect(events.allSatisfy { $0.tally.isComplete } && events.map(\.tally.queued) == [0, 1, 0])
    }

    @Test func aShardThatStopsIsThroughWithAll() throws {
        let rig = try Self.rig(20_000)
        let event = Event(rig, .claim(name: "device", value: "d19999", before: 100))
        rig.shard.stop()
        #expect(rig.edge.take() == ["19999 ended 4504"] && event.tally.isComplete)
        #expect(rig.metrics.sweepsWaiting.current == 0)
    }

    @Test func marksAreThoseOfTheSlots() {
        var marks = TokenMarks()
        var model: [Int32: UInt64] = [:]
        var random = SeededGenerator(seed: 7)
        for _ in 0..<5_000 {
            let slot = Int32.random(in: 0..<300, using: &random)
            if model.removeValue(forKey: slot) != nil {
                marks.remove(slot)
            } else {
                // One of them has the low bits of none.
                let hash = UInt64.random(in: 0..<20, using: &random) << 8
                marks.insert(slot, hash: hash)
                model[slot] = hash
            }
            let hash = UInt64.random(in: 0..<20, using: &random) << 8
            let expected = model.filter { $0.value == hash }.map(\.key).sorted()
            var choice = TokenMarks.Choice()
            choice.insert(hash: hash)
            let start = Int.random(in: 0..<300, using: &random)
            let first = expected.first { $0 >= start }.map { Int($0) }
            guard marks.slots(hash: hash) == expected, marks.first(in: start..<10_000, of: choice) == first else {
                Issue.record("the marks differ from their model")
                return
            }
        }
        #expect(marks.count <= 300 && marks[300] == 0)
    }
}
