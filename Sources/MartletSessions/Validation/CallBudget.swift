// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// How many calls may be made: so many a second, and no more than a second's worth at once after a pause.
struct CallBudget {
    private let perSecond: Double
    private var tokens: Double
    private var filledAt: Int64?

    init(perSecond: Double) {
        self.perSecond = max(perSecond, 0.001)
        self.tokens = max(1, self.perSecond)
    }

    mutating func refill(now: Int64) {
        let elapsed = Double(max(0, now - (self.filledAt ?? now))) / 1e9
        self.filledAt = now
        self.tokens = min(max(1, self.perSecond), self.tokens + elapsed * self.perSecond)
    }

    var isLeft: Bool { self.tokens >= 1 }
    mutating func spend() { self.tokens -= 1 }
}
