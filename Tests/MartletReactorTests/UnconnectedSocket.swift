// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import MartletCore
import MartletReactor

/// A socket made before it is needed.
final class UnconnectedSocket {
    private let descriptor: Int32

    init() throws {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        self.descriptor = socket(AF_INET, kind, 0)
        guard self.descriptor >= 0 else { throw TestClient.Failure(code: errno) }
    }

    deinit { close(self.descriptor) }

    func connect(to address: SocketAddress) {
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = address.port.bigEndian
        target.sin_addr.s_addr = (address.address.v4 ?? 0).bigEndian
        _ = unsafe withUnsafePointer(to: &target) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { rebound in
                unsafe Glibc.connect(self.descriptor, rebound, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
