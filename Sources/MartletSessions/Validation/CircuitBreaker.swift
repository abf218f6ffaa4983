// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// Keeps calls from an authority that does not answer: after failures calls wait, and after enough of them in a row only
/// one at a time tries whether it is back.
struct CircuitBreaker {
    private let failuresMax: Int
    private var backoff: Backoff
    private var failures = 0
    /// No call before this, on the monotonic clock in nanoseconds.
    private var resumesAt: Int64 = 0
    private var isProbing = false

    init(failuresMax: Int, backoff: Backoff) {
        self.failuresMax = max(1, failuresMax)
        self.backoff = backoff
    }

    var isOpen: Bool { self.failures >= self.failuresMax }

    /// Whether a call may begin; one that is told so must report how it ended.
    mutating func mayCall(now: Int64) -> Bool {
        guard now >= self.resumesAt else { return false }
        guard self.isOpen else { return true }
        guard !self.isProbing else { return false }
        self.isProbing = true
        return true
    }

    /// The call was not made after all.
    mutating func callDropped() { self.isProbing = false }

    mutating func callSucceeded() {
        self.failures = 0
        self.isProbing = false
        self.resumesAt = 0
        self.backoff.reset()
    }

    /// - Returns: How long to leave those alone that the call asked about.
    mutating func callFailed(now: Int64, random: Double = .random(in: 0..<1)) -> Duration {
        self.failures += 1
        self.isProbing = false
        let wait = self.backoff.next(random: random)
        self.resumesAt = max(self.resumesAt, now &+ wait.nanoseconds)
        return wait
    }
}
