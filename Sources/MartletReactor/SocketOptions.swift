// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Options of TCP sockets. Accepted sockets inherit them from their listener, so that an accept costs no further call.
package struct SocketOptions: Hashable, Sendable {
    /// TCP keep-alive; the edge's own pings notice dead peers sooner.
    package var keepAlive = false
    /// Fixed sizes of the kernel's buffers, or nil to let it choose.
    package var sendBufferBytes: Int?
    package var receiveBufferBytes: Int?

    package init() {}

    /// Sets what can be set; an option the kernel does not take is no reason to lose a connection.
    func apply(to descriptor: Int32) {
        Self.set(descriptor, IPPROTO_TCP, TCP_NODELAY, 1)
        if self.keepAlive { Self.set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1) }
        if let bytes = self.sendBufferBytes {
            Self.set(descriptor, SOL_SOCKET, SO_SNDBUF, Int32(clamping: bytes))
        }
        if let bytes = self.receiveBufferBytes {
            Self.set(descriptor, SOL_SOCKET, SO_RCVBUF, Int32(clamping: bytes))
        }
    }

    @discardableResult
    static func set(_ descriptor: Int32, _ level: Int, _ option: Int32, _ value: Int32) -> Bool {
        Self.set(descriptor, Int32(level), option, value)
    }

    @discardableResult
    static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) -> Bool {
        var value = value
        // The kernel reads four bytes of a local variable.
        return unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0
    }
}
