// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MartletSessions

@Suite struct DeathGuardTests {
    private let second: Int64 = 1_000_000_000

    @Test func holdsWhenMoreThanAFifthOfEnoughAnswersIsDead() {
        var guarded = DeathGuard(shareMax: 0.2, sampleMin: 500)
        guarded.count(answers: 500, dead: 100, now: 0)
        #expect(!guarded.isActive)
        guarded.count(answers: 100, dead: 21, now: self.second)
        #expect(guarded.isActive)
    }

    @Test func fewAnswersProveNothing() {
        var guarded = DeathGuard(shareMax: 0.2, sampleMin: 500)
        guarded.count(answers: 499, dead: 499, now: 0)
        #expect(!guarded.isActive)
        // Nor do those of an hour.
        for minute in 1...60 as ClosedRange<Int64> {
            guarded.count(answers: 400, dead: 400, now: minute * 60 * self.second)
            #expect(!guarded.isActive)
        }
    }

    @Test func countsTheWholeOfTheLastMinute() {
        var guarded = DeathGuard(shareMax: 0.2, sampleMin: 500)
        for slice in 0..<6 as Range<Int64> {
            #expect(!guarded.isActive)
            guarded.count(answers: 90, dead: 90, now: slice * 10 * self.second)
        }
        #expect(guarded.isActive)
    }

    @Test func endsWithACalmMinuteAndNotWithAQuietOne() {
        var guarded = DeathGuard(shareMax: 0.2, sampleMin: 500)
        guarded.count(answers: 500, dead: 500, now: 0)
        #expect(guarded.isActive)
        guarded.count(answers: 10, dead: 10, now: 300 * self.second)
        #expect(guarded.isActive)
        guarded.count(answers: 10, dead: 0, now: 400 * self.second)
        #expect(!guarded.isActive)
    }
}
