// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Keeps calls from a server that does not answer: after enough failures in a row they wait, and only one at a time tries
/// whether it is back.
package struct CircuitBreaker: Sendable {
    private let failuresMax: Int
    private let pausesWhileClosed: Bool
    private var backoff: Backoff
    private var failures = 0
    /// No call before this, on the monotonic clock in nanoseconds.
    private var resumesAt: Int64 = 0
    private var isProbing = false

    /// - Parameter pausesWhileClosed: Whether calls wait after the first failure already. Calls that somebody waits for
    ///   should not; calls that can as well be made later should.
    package init(failuresMax: Int, backoff: Backoff, pausesWhileClosed: Bool) {
        self.failuresMax = max(1, failuresMax)
        self.backoff = backoff
        self.pausesWhileClosed = pausesWhileClosed
    }

    package var isOpen: Bool { self.failures >= self.failuresMax }
    /// Whether it is, and nobody may try yet.
    package func isResting(now: Int64) -> Bool { self.isOpen && now < self.resumesAt }

    /// Whether a call may begin; one that is told so must report how it ended.
    package mutating func mayCall(now: Int64) -> Bool {
        guard now >= self.resumesAt else { return false }
        guard self.isOpen else { return true }
        guard !self.isProbing else { return false }
        self.isProbing = true
        return true
    }

    /// The call was not made after all.
    package mutating func callDropped() { self.isProbing = false }

    package mutating func callSucceeded() {
        self.failures = 0
        self.isProbing = false
        self.resumesAt = 0
        self.backoff.reset()
    }

    /// - Returns: How long to leave those alone that the call asked about.
    @discardableResult
    package mutating func callFailed(now: Int64, random: Double = .random(in: 0..<1)) -> Duration {
        self.failures += 1
        self.isProbing = false
        guard self.pausesWhileClosed || self.isOpen else { return .zero }
        let wait = self.backoff.next(random: random)
        self.resumesAt = max(self.resumesAt, now &+ wait.nanoseconds)
        return wait
    }
}
