// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Testing

@Suite struct CircuitBreakerTests {
    /// By reference, because expectations cannot change what they look at.
    private final class Breaker {
        private var breaker: CircuitBreaker

        init(pausesWhileClosed: Bool = true) {
            self.breaker = CircuitBreaker(
                failuresMax: 3, backoff: Backoff(base: .seconds(1), ceiling: .seconds(8)),
                pausesWhileClosed: pausesWhileClosed)
        }

        var isOpen: Bool { self.breaker.isOpen }
        func mayCall(now: Int64) -> Bool { self.breaker.mayCall(now: now) }
        func callDropped() { self.breaker.callDropped() }
        func callSucceeded() { self.breaker.callSucceeded() }
        func callFailed(now: Int64, random: Double = 0.5) -> Duration {
            self.breaker.callFailed(now: now, random: random)
        }
    }

    private let second: Int64 = 1_000_000_000

    @Test func waitsLongerAfterEachFailure() {
        let breaker = Breaker()
        var now: Int64 = 0
        for wait in [1, 2, 4, 8, 8] as [Int64] {
            #expect(breaker.mayCall(now: now))
            #expect(breaker.callFailed(now: now, random: 1) == .seconds(wait))
            #expect(!breaker.mayCall(now: now + wait * self.second - 1))
            now += wait * self.second
        }
    }

    @Test func opensAfterFailuresInARowAndProbesWithOneCall() {
        let breaker = Breaker()
        for failure in 1...3 {
            #expect(!breaker.isOpen)
            // Several calls may run while it is closed.
            #expect(breaker.mayCall(now: Int64(failure) * 100 * self.second))
            #expect(breaker.mayCall(now: Int64(failure) * 100 * self.second))
            _ = breaker.callFailed(now: Int64(failure) * 100 * self.second)
        }
        #expect(breaker.isOpen)
        #expect(breaker.mayCall(now: 400 * self.second))
        #expect(!breaker.mayCall(now: 400 * self.second))
        _ = breaker.callFailed(now: 400 * self.second)
        #expect(breaker.mayCall(now: 500 * self.second))
        breaker.callSucceeded()
        #expect(!breaker.isOpen)
        #expect(breaker.mayCall(now: 500 * self.second))
        #expect(breaker.mayCall(now: 500 * self.second))
    }

    @Test func aSuccessInBetweenStartsTheCountAgain() {
        let breaker = Breaker()
        for _ in 0..<10 {
            _ = breaker.callFailed(now: 0)
            _ = breaker.callFailed(now: 0)
            breaker.callSucceeded()
        }
        #expect(!breaker.isOpen)
    }

    @Test func callsThatSomebodyWaitsForPauseOnlyWhileItIsOpen() {
        let breaker = Breaker(pausesWhileClosed: false)
        for _ in 1...2 { #expect(breaker.callFailed(now: 0) == .zero) }
        #expect(breaker.mayCall(now: 0))
        #expect(breaker.callFailed(now: 0, random: 1) == .seconds(1))
        #expect(!breaker.mayCall(now: self.second - 1))
        #expect(breaker.mayCall(now: self.second))
    }

    @Test func aProbeThatWasNotMadeCanBeMadeLater() {
        let breaker = Breaker()
        for _ in 0..<3 { _ = breaker.callFailed(now: 0) }
        #expect(breaker.mayCall(now: 100 * self.second))
        breaker.callDropped()
        #expect(breaker.mayCall(now: 100 * self.second))
    }
}
