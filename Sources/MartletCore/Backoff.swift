// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Waiting times that double from `base` to `ceiling`, each drawn from the upper half so that nodes fall out of step.
package struct Backoff: Sendable {
    package var base: Duration
    package var ceiling: Duration
    private var attempt = 0

    package init(base: Duration = .milliseconds(100), ceiling: Duration = .seconds(10)) {
        self.base = base
        self.ceiling = ceiling
    }

    /// The next wait; `random` is drawn from 0..<1.
    package mutating func next(random: Double = .random(in: 0..<1)) -> Duration {
        let full = min(self.ceiling, self.base * (1 << min(self.attempt, 20)))
        self.attempt = min(self.attempt + 1, 20)
        return full * (0.5 + random / 2)
    }

    package mutating func reset() { self.attempt = 0 }
}
