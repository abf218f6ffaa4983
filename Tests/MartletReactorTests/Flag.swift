// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A boolean that two threads share.
final class Flag: Sendable {
    private let storage: Atomic<Bool>

    init(_ value: Bool = false) { self.storage = Atomic(value) }

    var value: Bool {
        get { self.storage.load(ordering: .sequentiallyConsistent) }
        set { self.storage.store(newValue, ordering: .sequentiallyConsistent) }
    }
}
