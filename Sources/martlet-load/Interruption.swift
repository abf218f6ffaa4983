// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Whether somebody asked the run to end early; its books are closed all the same.
final class Interruption: Sendable {
    private let flag = Atomic<Bool>(false)

    var isThere: Bool { self.flag.load(ordering: .relaxed) }

    func come() { self.flag.store(true, ordering: .relaxed) }
}
