// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletPolicy
import Testing

@Suite struct ValidationScheduleTests {
    private static let second: Int64 = 1_000_000_000

    /// A schedule on virtual time, with an authority that is there or not.
    private struct Run {
        var schedule: ValidationSchedule
        var now: Int64 = 0
        var isPushHealthy = true
        var isAuthorityUp = true
        /// What was asked, as (second, session).
        var asked: [(at: Int64, id: Int32)] = []
        var calls: [Int64] = []
        /// Calls that are answered with a delay, or never, are kept by the test.
        var answersAtOnce = true
        var open: [[Int32]] = []

        init(_ sessions: Int, seed: UInt64 = 7, _ change: (inout ValidationConfiguration) -> Void = { _ in }) {
            var configuration = ValidationConfiguration()
            configuration.interval = .seconds(600)
            configuration.intervalDegraded = .seconds(60)
            configuration.callsPerSecond = 1_000
            change(&configuration)
            self.schedule = ValidationSchedule(configuration, seed: seed)
            for id in 0..<Int32(sessions) { self.schedule.add(id, now: 0) }
        }

        mutating func advance(seconds: Int64, step: Int64 = ValidationScheduleTests.second / 20) {
            let end = self.now + seconds * ValidationScheduleTests.second
            while self.now < end {
                self.now += step
                _ = self.schedule.advance(to: self.now, isPushHealthy: self.isPushHealthy)
                while let batch = self.schedule.nextBatch(now: self.now) {
                    self.calls.append(self.now)
                    self.asked += batch.map { (self.now, $0) }
                    if self.answersAtOnce { self.finish(batch) } else { self.open.append(batch) }
                }
            }
        }

        mutating func finish(_ batch: [Int32]) {
            if self.isAuthorityUp {
                self.schedule.callSucceeded()
                for id in batch { self.schedule.answered(id, isGood: true, now: self.now) }
            } else {
                let wait = self.schedule.callFailed(now: self.now)
                for id in batch { self.schedule.unanswered(id, wait: wait, now: self.now) }
            }
        }

        func calls(inSecond second: Int64) -> Int {
            self.calls.count { $0 / ValidationScheduleTests.second == second }
        }
    }

    // MARK: - Turns

    @Test func eachIsAskedOnceInEachIntervalAndNeverInStep() {
        var run = Run(6_000)
        run.advance(seconds: 3_000)
        var last: [Int32: Int64] = [:]
        var perSecond: [Int64: Int] = [:]
        for (at, id) in run.asked {
            let gap = (at - (last[id] ?? 0)) / Self.second
            #expect(gap <= 601)
            if last[id] != nil { #expect(gap >= 539) }
            last[id] = at
            perSecond[at / Self.second, default: 0] += 1
        }
        #expect(last.count == 6_000)
        // Ten a second on the average; in step they would come all at once.
        #expect(perSecond.values.allSatisfy { $0 < 60 })
    }

    @Test func thoseWhoCameTogetherDriftApart() {
        // All are asked at the same moment, as after an outage, and again and again.
        var run = Run(1_000) { $0.callsPerSecond = 100_000 }
        for id in 0..<1_000 as Range<Int32> { run.schedule.add(id, isUrgent: true, now: 0) }
        run.advance(seconds: 12_000, step: Self.second / 4)
        func spread(_ range: Range<Int64>) -> Int {
            Set(run.asked.lazy.filter { range.contains($0.at / Self.second) }.map { $0.at / Self.second }).count
        }
        #expect(spread(0..<2) <= 2)
        #expect(spread(11_400..<12_000) > 200)
    }

    @Test func theSameSeedGivesTheSameTranscript() {
        func transcript(_ seed: UInt64) -> [Int64] {
            var run = Run(100, seed: seed)
            run.advance(seconds: 700)
            return run.asked.flatMap { [$0.at, Int64($0.id)] }
        }
        #expect(transcript(1) == transcript(1))
        #expect(transcript(1) != transcript(2))
    }

    @Test func anAnswerIsGoodForNoLongerThanItSays() {
        var run = Run(1)
        run.answersAtOnce = false
        run.advance(seconds: 610)
        run.schedule.callSucceeded()
        run.schedule.answered(0, isGood: true, within: .seconds(30), now: run.now)
        let answered = run.now
        run.asked = []
        run.advance(seconds: 40)
        #expect(run.asked.count == 1)
        let wait = (run.asked.first?.at ?? 0) - answered
        #expect((26 * Self.second...31 * Self.second).contains(wait))
    }

    // MARK: - Two intervals

    @Test func pushThatFailsBringsTurnsForward() {
        var run = Run(1_000)
        run.isPushHealthy = false
        run.advance(seconds: 61)
        #expect(Set(run.asked.map(\.id)).count == 1_000)
        run.asked = []
        run.advance(seconds: 60)
        #expect(Set(run.asked.map(\.id)).count >= 990)
        // Healthy again: those who were asked in the short interval are asked in the long one from their next turn on.
        run.isPushHealthy = true
        run.advance(seconds: 61)
        run.asked = []
        run.advance(seconds: 400)
        #expect(run.asked.isEmpty)
        run.advance(seconds: 201)
        #expect(Set(run.asked.map(\.id)).count == 1_000)
    }

    // MARK: - Batches and budget

    @Test func batchesGoFullOrAfterTheirWait() {
        var run = Run(0) {
            $0.batchMax = 50
            $0.concurrencyMax = 10
        }
        run.answersAtOnce = false
        for id in 0..<120 as Range<Int32> { run.schedule.add(id, isUrgent: true, now: 0) }
        run.advance(seconds: 1, step: 100_000_000)
        #expect(run.open.map(\.count) == [50, 50, 20])
        #expect(run.calls[1] == run.calls[0])
        #expect(run.calls[2] - run.calls[0] == 300_000_000)
    }

    @Test func guestsFillTheBatchFirstAndDoNotWait() {
        var run = Run(0) { $0.batchMax = 50 }
        for id in 0..<100 as Range<Int32> { run.schedule.add(id, isUrgent: true, now: 0) }
        let alone = run.schedule.nextBatch(guests: 3, now: 0)
        #expect(alone == [])
        _ = run.schedule.advance(to: 200_000_000, isPushHealthy: true)
        let mixed = run.schedule.nextBatch(guests: 20, now: 200_000_000)
        #expect(mixed?.count == 30)
        let full = run.schedule.nextBatch(guests: 60, now: 200_000_000)
        #expect(full?.isEmpty ?? false)
    }

    @Test func concurrencyAndBudgetAreKept() {
        var run = Run(200) {
            $0.batchMax = 10
            $0.concurrencyMax = 3
            $0.callsPerSecond = 2
        }
        run.answersAtOnce = false
        run.advance(seconds: 700)
        #expect(run.calls.count == 3, "three are under way")
        for batch in run.open { run.finish(batch) }
        run.answersAtOnce = true
        let start = run.now
        run.advance(seconds: 60)
        for call in 3..<run.calls.count {
            #expect(Double(call - 2) <= 2 * Double(run.calls[call] - start) / Double(Self.second) + 2)
        }
    }

    @Test func aSmallBudgetStretchesTheIntervalAndTheOldestGoFirst() {
        // 1,200 sessions at 10 a second take two minutes a round where one was wanted.
        var run = Run(1_200) {
            $0.interval = .seconds(60)
            $0.batchMax = 10
            $0.callsPerSecond = 1
        }
        run.advance(seconds: 600)
        var last: [Int32: Int64] = [:]
        for (at, id) in run.asked {
            // Nobody starves while others are asked twice.
            if let before = last[id] { #expect(at - before < 135 * Self.second) }
            last[id] = at
        }
        #expect(last.count == 1_200)
        #expect(run.schedule.overdue(now: run.now) > 300)
    }

    // MARK: - An authority that is away

    @Test func anOutageCostsFewCallsAndEndsWithoutAStampede() {
        var run = Run(1_000) {
            $0.interval = .seconds(60)
            $0.batchMax = 10
            $0.callsPerSecond = 5
        }
        run.advance(seconds: 120)
        run.isAuthorityUp = false
        run.calls = []
        run.advance(seconds: 600)
        #expect(run.calls.count < 60)
        #expect(run.schedule.isCircuitOpen)
        #expect((950...1_000).contains(run.schedule.overdue(now: run.now)))
        run.isAuthorityUp = true
        (run.calls, run.asked) = ([], [])
        let back = run.now / Self.second
        run.advance(seconds: 180)
        #expect(!run.schedule.isCircuitOpen)
        #expect(run.schedule.overdue(now: run.now) == 0)
        #expect(Set(run.asked.map(\.id)).count == 1_000)
        for second in back..<back + 180 { #expect(run.calls(inSecond: second) <= 10) }
        #expect(run.calls.count <= 5 * 180 + 5)
    }

    @Test func theLongestOverdueAreAskedFirstWhenItIsBack() {
        var run = Run(400) {
            $0.batchMax = 10
            $0.callsPerSecond = 10
            $0.backoffMax = .seconds(2)
        }
        run.isAuthorityUp = false
        run.advance(seconds: 300)
        // Half of all became due in the first half of the interval: they go before the others.
        let early = run.schedule.overdue(now: run.now)
        run.advance(seconds: 301)
        #expect(run.schedule.overdue(now: run.now) > early)
        run.isAuthorityUp = true
        run.asked = []
        run.advance(seconds: 60)
        let order = run.asked.map(\.id)
        #expect(Set(order).count >= 390)
        var reference = Run(400) {
            $0.batchMax = 1
            $0.batchWait = .zero
        }
        reference.advance(seconds: 601)
        let due = Dictionary(reference.asked.map { ($0.id, $0.at) }) { first, _ in first }
        // But for those that were asked in vain a moment ago, whose next attempt has its own time.
        let firstHalf = order.prefix(200).compactMap { due[$0] }
        let secondHalf = order.suffix(190).compactMap { due[$0] }
        let mean = { (times: [Int64]) in times.reduce(0, +) / Int64(max(1, times.count)) }
        #expect(mean(firstHalf) + 200 * Self.second < mean(secondHalf))
    }

    @Test func staleAreFoundOnceEach() {
        var run = Run(100) { $0.stalenessMax = .seconds(3_600) }
        run.isAuthorityUp = false
        func sweep() -> Int { (0..<100).reduce(0) { sum, _ in sum + run.schedule.sweepStale(now: run.now).count } }
        run.advance(seconds: 3_600, step: Self.second)
        #expect(sweep() == 0)
        run.advance(seconds: 2, step: Self.second)
        #expect(sweep() == 100)
        #expect(sweep() == 0)
        run.isAuthorityUp = true
        run.advance(seconds: 120, step: Self.second)
        #expect(sweep() == 0)
        run.isAuthorityUp = false
        run.advance(seconds: 3_800, step: Self.second)
        #expect(sweep() == 100)
    }

    // MARK: - Coming and going

    @Test func whatWasMissedWhileAwayIsDueOnReturn() {
        var run = Run(1)
        run.schedule.closed(0)
        run.advance(seconds: 700)
        #expect(run.asked.isEmpty)
        run.schedule.opened(0, now: run.now)
        run.advance(seconds: 1)
        #expect(run.asked.count == 1)
        // But not what was not missed.
        run.schedule.closed(0)
        run.schedule.opened(0, now: run.now)
        run.advance(seconds: 60)
        #expect(run.asked.count == 1)
    }

    @Test func awayIsNotForEver() {
        var run = Run(1) { $0.stalenessMax = .seconds(3_600) }
        run.schedule.closed(0)
        var forgotten: [Int32] = []
        for second in 1...4_300 as ClosedRange<Int64> {
            forgotten += run.schedule.advance(to: second * Self.second, isPushHealthy: true)
            if second < 3_600 { #expect(forgotten.isEmpty) }
        }
        #expect(forgotten == [0])
    }

    @Test func whoTriesToComeBackIsRememberedLonger() {
        var run = Run(1) { $0.stalenessMax = .seconds(3_600) }
        run.schedule.closed(0)
        for second in 1...20_000 as ClosedRange<Int64> {
            let forgotten = run.schedule.advance(to: second * Self.second, isPushHealthy: true)
            #expect(forgotten.isEmpty)
            if second % 1_000 == 0 { run.schedule.keep(0, now: second * Self.second) }
        }
        #expect(run.schedule.isStale(0, now: 20_000 * Self.second))
        #expect(!run.schedule.isGood(0, within: .seconds(60), now: 20_000 * Self.second))
    }

    @Test func onlyAnAnswerIsGood() {
        var run = Run(1)
        #expect(!run.schedule.isGood(0, within: .seconds(600), now: 0))
        run.schedule.answeredAtDoor(0, now: 0)
        #expect(run.schedule.isGood(0, within: .seconds(60), now: 60 * Self.second))
        #expect(!run.schedule.isGood(0, within: .seconds(60), now: 61 * Self.second))
        #expect(!run.schedule.isStale(0, now: 3_600 * Self.second))
        #expect(run.schedule.isStale(0, now: 3_601 * Self.second))
    }

    @Test func isForgottenOnlyWhenNothingRefersToIt() {
        var run = Run(2)
        run.answersAtOnce = false
        run.advance(seconds: 601)
        for id in 0..<2 as Range<Int32> {
            run.schedule.closed(id)
            let isForgotten = run.schedule.forget(id)
            #expect(!isForgotten)
        }
        for batch in run.open { run.finish(batch) }
        let isForgotten = run.schedule.forget(0)
        #expect(isForgotten)
        // A late answer to what is forgotten changes nothing.
        run.schedule.answered(0, isGood: true, now: run.now)
        #expect(!run.schedule.isGood(0, within: .seconds(60), now: run.now))
    }
}
