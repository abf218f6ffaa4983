// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// A descriptor held in reserve: when there is none left, it makes room to accept a connection and close it, so that
/// the peer learns of it at once and the listener is not readable for ever.
struct ReserveDescriptor {
    private var descriptor: Int32 = -1

    mutating func open() {
        guard self.descriptor < 0 else { return }
        self.descriptor = unsafe Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
    }

    mutating func close() {
        guard self.descriptor >= 0 else { return }
        Glibc.close(self.descriptor)
        self.descriptor = -1
    }

    /// Accepts one connection in its place and closes it; false where there was none, or another thread was faster.
    mutating func turnAway(from listener: Int32) -> Bool {
        self.close()
        defer { self.open() }
        let descriptor = martlet_accept4(listener, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
        guard descriptor >= 0 else { return false }
        Glibc.close(descriptor)
        return true
    }
}
