// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// A value that one thread gives and another waits for.
final class Answer<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let semaphore = DispatchSemaphore(value: 0)

    func give(_ value: Value) {
        self.value.withLock { $0 = value }
        self.semaphore.signal()
    }

    /// Ends the test program after ten seconds: a loop that does not answer is one that hangs.
    func wait() -> Value {
        guard self.semaphore.wait(timeout: .now() + 30) == .success, let value = self.value.withLock({ $0 }) else {
            fatalError("the loop did not answer in time")
        }
        return value
    }
}
