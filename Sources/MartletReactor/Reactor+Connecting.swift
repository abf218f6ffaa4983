// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import MartletCore
import MartletInstruments

extension Reactor {
    /// Connects to another end, from a given local address where one is given; a port of zero is the kernel's choice,
    /// made when the far end is known, so that one local address serves more connections than there are ports.
    ///
    /// `accepted` follows when it is connected, or `closed` with `.connectFailed`. A deadline may be set meanwhile, and
    /// what is queued meanwhile is sent then.
    /// - Returns: Its slot, or nil where the system or the table has no room for another or refuses at once.
    package func connect(to remote: SocketAddress, from local: SocketAddress? = nil) -> Int32? {
        assert(self.isConfined, "a reactor belongs to its thread")
        // The end of the loop closes what it finds, and would not find this one.
        guard !self.thread.mustStop else { return nil }
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(remote.family, kind, 0)
        guard descriptor >= 0 else { return nil }
        guard let slot = self.connect(descriptor, to: remote, from: local) else {
            Glibc.close(descriptor)
            return nil
        }
        return slot
    }

    private func connect(_ descriptor: Int32, to remote: SocketAddress, from local: SocketAddress?) -> Int32? {
        self.configuration.socketOptions.apply(to: descriptor)
        if let local {
            SocketOptions.set(descriptor, Int32(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, 1)
            let bound = unsafe local.withSystemAddress { unsafe Glibc.bind(descriptor, $0, $1) }
            guard bound == 0 else { return nil }
        }
        let connected = unsafe remote.withSystemAddress { unsafe Glibc.connect(descriptor, $0, $1) }
        // Even one that is connected at once is told through epoll, so that nothing is called from within this call.
        guard connected == 0 || errno == EINPROGRESS else { return nil }
        let flags: ConnectionFlags = [.connecting, .uncounted, .watchedForOutput]
        guard let slot = self.table.insert(descriptor: descriptor, listener: .max, flags: flags) else { return nil }
        guard self.epoll.add(descriptor, .connection, slot, events: Epoll.output) else {
            self.table.remove(slot)
            return nil
        }
        return slot
    }

    func connectionIsDone(_ slot: Int32) {
        let descriptor = self.table[slot].descriptor
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        // There is a peer's name only when it is connected. The kernel writes no more than the length it is given.
        let named = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { rebound in
                unsafe getpeername(descriptor, rebound, &length)
            }
        }
        guard named == 0, let address = PeerAddress(storage) else {
            self.end(slot, cause: .connectFailed)
            return
        }
        self.table[slot].flags.subtract([.connecting, .uncounted])
        self.shared.openConnections.add(1)
        self.watch(slot)
        self.list(slot)
        self.handler?.accepted(slot, address: address)
    }
}
