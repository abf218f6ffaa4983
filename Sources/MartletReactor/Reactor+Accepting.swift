// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import MartletCore
import MartletInstruments

extension Reactor {
    /// Connections that are turned away at once when descriptors run out, before the listener pauses.
    private static let turnedAwayMax = 16

    /// Accepts no more, for good; what is open stays open.
    package func stopAccepting() {
        assert(self.isConfined, "a reactor belongs to its thread")
        self.closeListeners()
    }

    func openListeners() throws(ReactorError) {
        for listener in self.configuration.listeners {
            let descriptor = try listener.take(shard: Int(self.configuration.shard))
            self.listenerSockets.append(ListenerSocket(descriptor: descriptor))
            let index = Int32(clamping: self.listenerSockets.count - 1)
            guard self.epoll.add(descriptor, .listener, index, events: Epoll.input) else {
                throw ReactorError("cannot watch \(listener.address)", code: errno)
            }
        }
    }

    func closeListeners() {
        for socket in self.listenerSockets { Glibc.close(socket.descriptor) }
        self.listenerSockets.removeAll()
    }

    /// Accepts what waits, up to the bound of a turn.
    func accept(from index: Int) {
        guard self.listenerSockets.indices.contains(index) else { return }
        for _ in 0..<self.configuration.acceptsPerTurn {
            // The delegate may have stopped accepting.
            guard self.listenerSockets.indices.contains(index) else { return }
            let listener = self.listenerSockets[index].descriptor
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            // The kernel writes no more than the length it is given.
            let descriptor = unsafe martlet_accept4(
                listener, &storage, &length, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
            guard descriptor >= 0 else {
                switch errno {
                case EMFILE, ENFILE, ENOMEM, ENOBUFS: self.runOutOfDescriptors(index)
                // Of one connection that is gone again; the others still wait.
                case ECONNABORTED, EINTR, EPROTO: continue
                default: break
                }
                return
            }
            self.admit(descriptor, from: index, PeerAddress(storage) ?? PeerAddress(high: 0, low: 0))
        }
    }

    private func admit(_ descriptor: Int32, from index: Int, _ address: PeerAddress) {
        let listener = UInt8(clamping: index)
        guard let slot = self.table.insert(descriptor: descriptor, listener: listener, flags: .watchedForInput) else {
            self.shared.refusals.add()
            Glibc.close(descriptor)
            return
        }
        guard self.epoll.add(descriptor, .connection, slot, events: Epoll.input) else {
            self.shared.refusals.add()
            Glibc.close(descriptor)
            self.table.remove(slot)
            return
        }
        self.shared.accepts.add()
        self.shared.openConnections.add(1)
        self.handler?.accepted(slot, address: address)
    }

    /// Turns some away with the reserve descriptor and looks again at the next tick.
    private func runOutOfDescriptors(_ index: Int) {
        let socket = self.listenerSockets[index]
        var turnedAway = 0
        while turnedAway < Self.turnedAwayMax, self.reserve.turnAway(from: socket.descriptor) { turnedAway += 1 }
        self.shared.descriptorExhaustions.add(max(1, turnedAway))
        guard self.epoll.modify(socket.descriptor, .listener, Int32(clamping: index), events: 0) else { return }
        self.listenerSockets[index].isPaused = true
    }

    func resumeListeners() {
        for index in self.listenerSockets.indices where self.listenerSockets[index].isPaused {
            let socket = self.listenerSockets[index]
            self.reserve.open()
            if self.epoll.modify(socket.descriptor, .listener, Int32(clamping: index), events: Epoll.input) {
                self.listenerSockets[index].isPaused = false
            }
        }
    }
}
