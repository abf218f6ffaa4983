// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import MartletCore
import Synchronization

/// An address that connections are accepted at: one socket a loop, among which the kernel shares the connections.
///
/// It is bound when it is made, so that "in use" is an error at start, and listens when its loops start. The loops
/// close their sockets; those that no loop took are closed with the listener.
package final class Listener: Sendable {
    /// With the port that the system chose where none was given.
    package let address: SocketAddress
    /// By shard; -1 where the loop took it.
    private let descriptors: Mutex<[Int32]>
    private let backlog: Int32

    private init(address: SocketAddress, descriptors: [Int32], backlog: Int32) {
        self.address = address
        self.descriptors = Mutex(descriptors)
        self.backlog = backlog
    }

    deinit { Self.closeAll(self.descriptors.withLock { $0 }) }

    /// - Parameters:
    ///   - shards: How many loops there are; each takes the socket of its shard.
    ///   - backlog: Connections that may wait to be accepted, on each socket; the system has a bound of its own.
    package static func bind(
        _ address: SocketAddress, shards: Int, options: SocketOptions = SocketOptions(), backlog: Int32 = 4096
    ) throws(ReactorError) -> Listener {
        var attempts = 8
        while true {
            do {
                var bound = address
                bound.port = try Self.probe(address)
                let descriptors = try Self.bindAll(bound, shards: max(1, shards), options: options)
                return Listener(address: bound, descriptors: descriptors, backlog: backlog)
            } catch {
                attempts -= 1
                // A kernel without IPv6 has no other "every address" to listen on.
                if error.code == EAFNOSUPPORT, address.address == PeerAddress(high: 0, low: 0, port: address.port) {
                    let every = SocketAddress(PeerAddress(v4: 0, port: address.port))
                    return try Listener.bind(every, shards: shards, options: options, backlog: backlog)
                }
                // A port that the system chose may be taken by another between the two times it is bound.
                guard address.port == 0, error.code == EADDRINUSE, attempts > 0 else { throw error }
            }
        }
    }

    /// Hands the socket of a shard, now listening, to its loop.
    func take(shard: Int) throws(ReactorError) -> Int32 {
        let descriptor = self.descriptors.withLock { descriptors -> Int32 in
            guard descriptors.indices.contains(shard) else { return -1 }
            defer { descriptors[shard] = -1 }
            return descriptors[shard]
        }
        guard descriptor >= 0 else { throw ReactorError("\(self.address) has no socket for shard \(shard)") }
        guard listen(descriptor, self.backlog) == 0 else {
            let code = errno
            close(descriptor)
            throw ReactorError("cannot listen on \(self.address)", code: code)
        }
        return descriptor
    }

    /// Binds once without SO_REUSEPORT, with which a second node of the same user would silently share the port.
    /// - Returns: The port.
    private static func probe(_ address: SocketAddress) throws(ReactorError) -> UInt16 {
        let descriptor = try Self.open(address)
        defer { close(descriptor) }
        try Self.bind(descriptor, to: address)
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        // The kernel writes no more than the length it is given.
        let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { rebound in
                unsafe getsockname(descriptor, rebound, &length)
            }
        }
        guard result == 0, let bound = PeerAddress(storage) else {
            throw ReactorError("cannot tell the port of \(address)", code: errno)
        }
        return bound.port
    }

    private static func bindAll(
        _ address: SocketAddress, shards: Int, options: SocketOptions
    ) throws(ReactorError) -> [Int32] {
        var descriptors: [Int32] = []
        do throws(ReactorError) {
            for _ in 0..<shards {
                let descriptor = try Self.open(address)
                descriptors.append(descriptor)
                SocketOptions.set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1)
                options.apply(to: descriptor)
                try Self.bind(descriptor, to: address)
            }
        } catch {
            Self.closeAll(descriptors)
            throw error
        }
        return descriptors
    }

    private static func open(_ address: SocketAddress) throws(ReactorError) -> Int32 {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.family, kind, 0)
        guard descriptor >= 0 else { throw ReactorError("cannot create a socket for \(address)", code: errno) }
        // So that a restart need not wait for the old connections' last minute.
        SocketOptions.set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        // `[::]` takes both families, whatever the system's default is.
        if address.family == AF_INET6 { SocketOptions.set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
        return descriptor
    }

    private static func bind(_ descriptor: Int32, to address: SocketAddress) throws(ReactorError) {
        let result = unsafe address.withSystemAddress { unsafe Glibc.bind(descriptor, $0, $1) }
        guard result == 0 else {
            let code = errno
            let hint = code == EADDRINUSE ? " (another process listens there)" : ""
            throw ReactorError("cannot listen on \(address)\(hint)", code: code)
        }
    }

    private static func closeAll(_ descriptors: [Int32]) {
        for descriptor in descriptors where descriptor >= 0 { close(descriptor) }
    }
}
