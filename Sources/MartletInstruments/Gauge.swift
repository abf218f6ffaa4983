// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A number that goes up and down, written from any thread without a lock.
package final class Gauge: Sendable {
    private let value = Atomic<Int>(0)

    package init(_ initial: Int = 0) { self.value.store(initial, ordering: .relaxed) }

    package func set(_ amount: Int) { self.value.store(amount, ordering: .relaxed) }
    package func add(_ amount: Int) { self.value.add(amount, ordering: .relaxed) }
    package var current: Int { self.value.load(ordering: .relaxed) }

    /// Adds one unless that would pass `ceiling`; false where it would.
    package func addOne(upTo ceiling: Int) -> Bool {
        guard self.value.add(1, ordering: .relaxed).newValue <= ceiling else {
            self.value.subtract(1, ordering: .relaxed)
            return false
        }
        return true
    }
}
