// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Both clocks of a node, moved by hand.
final class TestClock: Sendable {
    private let times = Mutex((wall: 1_800_000_000.0, monotonic: Int64(1_000_000_000_000)))

    var wall: Double { self.times.withLock { $0.wall } }
    var monotonic: Int64 { self.times.withLock { $0.monotonic } }

    func advance(seconds: Double) {
        self.times.withLock { times in
            times.wall += seconds
            times.monotonic += Int64(seconds * 1e9)
        }
    }

    /// The wall clock alone is set.
    func step(seconds: Double) { self.times.withLock { $0.wall += seconds } }
}
