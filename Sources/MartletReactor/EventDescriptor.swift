// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Synchronization

/// Wakes a loop from other threads: an eventfd that is written only when the loop sleeps and nobody has woken it yet.
///
/// It is watched edge-triggered, so it need not be read: each write is an event, and 2^64 writes do not happen.
final class EventDescriptor: Sendable {
    let descriptor: Int32
    private let isWoken = Atomic<Bool>(false)
    private let isAsleep = Atomic<Bool>(false)

    init() throws(ReactorError) {
        self.descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard self.descriptor >= 0 else { throw ReactorError("cannot create an event descriptor", code: errno) }
    }

    deinit { close(self.descriptor) }

    /// From any thread.
    func wake() {
        if self.isWoken.exchange(true, ordering: .sequentiallyConsistent) { return }
        // The loop says that it sleeps before it looks for a wake-up, and here it is the other way round: in the one
        // order of all sequentially consistent operations at least one of the two sees the other.
        if self.isAsleep.load(ordering: .sequentiallyConsistent) { eventfd_write(self.descriptor, 1) }
    }

    /// The loop is about to wait; false when it was woken and must not.
    func fallAsleep() -> Bool {
        self.isAsleep.store(true, ordering: .sequentiallyConsistent)
        return !self.isWoken.load(ordering: .sequentiallyConsistent)
    }

    /// The loop waits no more; true when it was woken since the last time.
    func wakeUp() -> Bool {
        self.isAsleep.store(false, ordering: .relaxed)
        guard self.isWoken.load(ordering: .relaxed) else { return false }
        return self.isWoken.exchange(false, ordering: .sequentiallyConsistent)
    }
}
