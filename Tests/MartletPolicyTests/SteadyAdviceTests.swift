// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletPolicy
import Testing

@Suite("Advice while the cluster is not seen whole")
struct SteadyAdviceTests {
    private static let silence: Int64 = 10
    private var advice = SteadyAdvice(DesiredNodes(), silence: Self.silence)
    private var now: Int64 = 1_000

    /// So many nodes of 10,000 connections each that hold 6,000.
    private static func nodes(
        _ count: Int, _ state: MemberLoad.State = .serving, open: Int = 6_000, capacity: Int = 10_000
    ) -> [MemberLoad] {
        Array(repeating: MemberLoad(connections: open, capacity: capacity, state: state, firstSeen: 0), count: count)
    }

    private mutating func ask(
        _ members: [MemberLoad], recent: Int = 0, isCutOff: Bool = false, after time: Int64 = 1
    ) -> Int {
        self.now += time
        return self.advice.nodes(
            ClusterLoad(members, recent: recent, now: self.now, settling: 0), isCutOff: isCutOff, now: self.now)
    }

    @Test mutating func oneNode() {
        #expect(self.ask(Self.nodes(1, .starting, open: 0)) == 1)
        #expect(self.ask(Self.nodes(1)) == 2)
        #expect(self.ask(Self.nodes(1, .draining)) == 2)
        // Empty, and still not the time to go down.
        #expect(self.ask(Self.nodes(1, .draining, open: 0), after: 100) == 2)
        #expect(self.ask(Self.nodes(1, open: 0)) == 2)
        #expect(self.ask(Self.nodes(1, open: 0), after: Self.silence) == 1)
    }

    @Test mutating func moreThanANodeRemembers() {
        #expect(self.ask(Self.nodes(MemberMemory.membersMax - 1, open: 6_999)) == MemberMemory.membersMax - 1)
        #expect(self.ask(Self.nodes(MemberMemory.membersMax, open: 10), after: 100) == MemberMemory.membersMax - 1)
        #expect(self.ask(Self.nodes(MemberMemory.membersMax, open: 7_100), after: 100) > MemberMemory.membersMax)
    }

    @Test mutating func allDrainOrStart() {
        #expect(self.ask(Self.nodes(10)) == 10)
        #expect(self.ask(Self.nodes(5, .draining) + Self.nodes(5, .starting, open: 0), after: 100) == 10)
        #expect(self.ask(Self.nodes(10, .starting, open: 0), after: 100) == 10)
        #expect(self.ask(Self.nodes(10, open: 3_000)) == 10)
        #expect(self.ask(Self.nodes(10, open: 3_000), after: Self.silence) == 5)
    }

    @Test mutating func allDrainAndNothingWasSaidBefore() {
        // By what all of them take, of those that say so.
        let silent = Self.nodes(1, .starting, open: 0, capacity: 0)
        #expect(self.ask(Self.nodes(10, .draining) + silent) == 10)
    }

    @Test mutating func withoutACapacity() {
        #expect(self.ask(Self.nodes(3, capacity: 0)) == 3)
        #expect(self.ask([]) == 3)
        #expect(self.ask(Self.nodes(3)) == 3)
        #expect(self.ask(Self.nodes(3, capacity: 0), after: 100) == 3)
    }

    @Test mutating func theBusIsAwayFromTheStart() {
        #expect(self.ask(Self.nodes(1, .starting, open: 0), isCutOff: true) == 1)
        #expect(self.ask(Self.nodes(1, open: 20_000), isCutOff: true) == 4)
        // The others come one after the other.
        #expect(self.ask(Self.nodes(2)) == 4)
        #expect(self.ask(Self.nodes(10)) == 10)
        #expect(self.ask(Self.nodes(10), after: 2 * Self.silence) == 10)
    }

    @Test mutating func theBusIsAwayAndComesBack() {
        #expect(self.ask(Self.nodes(10)) == 10)
        #expect(self.ask(Self.nodes(10), isCutOff: true) == 10)
        // Those who fell silent are forgotten after a while, so that the node seems to have been alone for ever.
        #expect(self.ask(Self.nodes(1), recent: 1, isCutOff: true, after: 1_000) == 10)
        #expect(self.ask(Self.nodes(1), recent: 1) == 10)
        #expect(self.ask(Self.nodes(3), recent: 3, after: Self.silence - 1) == 10)
        // More is said at once, less when all had the time to come.
        #expect(self.ask(Self.nodes(11, open: 7_000), recent: 11, after: 0) == 11)
        #expect(self.ask(Self.nodes(3), recent: 3) == 3)
    }

    @Test mutating func cutOffFromTheMajority() {
        #expect(self.ask(Self.nodes(10)) == 10)
        #expect(self.ask(Self.nodes(4), recent: 10, after: 100) == 10)
        #expect(self.ask(Self.nodes(5), recent: 10) == 10, "half of them are back, the others come in a moment")
        #expect(self.ask(Self.nodes(5), recent: 10, after: Self.silence) == 5)
        // Of so many that are lost the rest takes the load, and that is seen at once.
        #expect(self.ask(Self.nodes(5, open: 9_000), recent: 10) == 7)
    }

    @Test mutating func startedAgain() {
        #expect(self.ask(Self.nodes(4)) == 4)
        // Under a new identifier, which the others take for the lost one's successor.
        #expect(self.ask(Self.nodes(3) + Self.nodes(1, .starting, open: 0), recent: 4) == 3)
        #expect(self.ask(Self.nodes(4), recent: 4) == 4)
        // It knows nothing of before, and nothing of the others until they greet it.
        var new = SteadyAdvice(DesiredNodes(), silence: Self.silence)
        let alone = ClusterLoad(Self.nodes(1, .starting, open: 0), recent: 1, now: 0, settling: 0)
        #expect(new.nodes(alone, isCutOff: false, now: 0) == 1)
        let greeted = ClusterLoad(
            Self.nodes(3, open: 8_000) + Self.nodes(1, .starting, open: 0), recent: 4, now: 1, settling: 0)
        #expect(new.nodes(greeted, isCutOff: false, now: 1) == 4)
    }
}
