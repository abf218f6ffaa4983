// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Synchronization

/// Lets a line of the log through once in a while, whose cause may come a thousand times a second.
struct LogPace: ~Copyable, Sendable {
    /// In monotonic nanoseconds.
    private let last = Atomic<Int64>(.min)
    private let interval: Int64

    init(seconds: Int64 = 1) { self.interval = seconds * 1_000_000_000 }

    func isDue(now: Int64 = Clock.monotonic) -> Bool {
        let last = self.last.load(ordering: .relaxed)
        guard last == .min || now - last > self.interval else { return false }
        return self.last.compareExchange(expected: last, desired: now, ordering: .relaxed).exchanged
    }
}
