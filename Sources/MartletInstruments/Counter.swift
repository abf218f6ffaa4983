// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A number that only grows, added to from any thread without a lock.
package final class Counter: Sendable {
    private let value = Atomic<Int>(0)

    package init() {}

    package func add(_ amount: Int = 1) { self.value.add(amount, ordering: .relaxed) }
    package var total: Int { self.value.load(ordering: .relaxed) }
}
