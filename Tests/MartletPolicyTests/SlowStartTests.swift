// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletPolicy
import Testing

struct SlowStartTests {
    private static let second: Int64 = 1_000_000_000

    @Test func theRateRisesEvenly() {
        let start = SlowStart(fraction: 0.2, duration: .seconds(10))
        #expect(
            [-1, 0, 5, 10, 1_000].map { (start.factor(after: $0 * Self.second) * 1_000).rounded() } == [
                200, 200, 600, 1_000, 1_000,
            ])
        #expect(SlowStart(fraction: 0.2, duration: .zero).factor(after: 0) == 1)
        for bad in [-1, 0, 7, Double.nan, .infinity] {
            let factor = SlowStart(fraction: bad, duration: .seconds(1)).factor(after: 0)
            #expect(factor > 0 && factor <= 1)
        }
    }

    /// How many of those who come every millisecond of a second are admitted.
    private static func admitted(_ admission: inout Admission, second: Int64) -> Int {
        var count = 0
        for millisecond in 0..<1_000 as Range<Int64> {
            let now = second * Self.second + millisecond * 1_000_000
            if admission.admit(PeerAddress(v4: 1), now: now) == .admit { count += 1 }
        }
        return count
    }

    @Test func aNewNodeTakesItsRateLittleByLittle() {
        let start = SlowStart(fraction: 0.1, duration: .seconds(10))
        var admission = Admission(
            AdmissionConfiguration(connectionsMax: 1_000_000, connectsPerSecond: 100, slowStart: start), now: 0)
        admission.enter(.ready, now: 5 * Self.second)
        let perSecond = (5..<20).map { Self.admitted(&admission, second: $0) }
        // What a second brings beside the tokens saved before it.
        #expect(perSecond[0] <= 30 && perSecond[0] >= 10)
        #expect(zip(perSecond.dropFirst(), perSecond.dropFirst(2)).allSatisfy { $0 <= $1 })
        #expect(perSecond.last.map { 99...101 ~= $0 } == true)
        #expect(admission.refusedForRateAt.map { $0 > 19 * Self.second } == true)
    }

    @Test func aDrainTakenBackBeginsAgain() {
        let start = SlowStart(fraction: 0.1, duration: .seconds(10))
        var admission = Admission(
            AdmissionConfiguration(connectionsMax: 1_000_000, connectsPerSecond: 100, slowStart: start), now: 0)
        admission.enter(.ready, now: 0)
        #expect(Self.admitted(&admission, second: 30) >= 99)
        admission.enter(.draining, now: 31 * Self.second)
        #expect(Self.admitted(&admission, second: 31) == 0)
        admission.reopen(now: 32 * Self.second)
        #expect(Self.admitted(&admission, second: 32) <= 30)
        // Of a node that does not drain there is nothing to take back.
        admission.reopen(now: 60 * Self.second)
        #expect(Self.admitted(&admission, second: 60) >= 99)
    }
}
