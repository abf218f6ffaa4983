// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Whether something is under way that must not be begun twice.
final class FetchFlag: Sendable {
    private let isUnderWay = Atomic<Bool>(false)

    /// False where it is under way already.
    func begin() -> Bool { !self.isUnderWay.exchange(true, ordering: .acquiringAndReleasing) }
    func end() { self.isUnderWay.store(false, ordering: .releasing) }
}
