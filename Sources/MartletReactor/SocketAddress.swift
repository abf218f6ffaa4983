// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc
package import MartletCore

/// Where to listen, or what to connect to.
package struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    package var address: PeerAddress

    package init(_ address: PeerAddress) { self.address = address }

    /// Reads `127.0.0.1:8000`, `[::1]:8000`, `localhost:8000`, or `:8000` for every address of the machine.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        let host = text[..<colon]
        let numeric: String
        switch host {
        case "", "*": numeric = "::"
        case "localhost": numeric = "127.0.0.1"
        case _ where host.hasPrefix("[") && host.hasSuffix("]"): numeric = String(host.dropFirst().dropLast())
        // Without brackets the last group of an IPv6 address would pass for a port.
        case _ where host.contains(":"): return nil
        default: numeric = String(host)
        }
        guard var address = PeerAddress(host: numeric) else { return nil }
        address.port = port
        self.address = address
    }

    package var port: UInt16 {
        get { self.address.port }
        set { self.address.port = newValue }
    }

    package var description: String { self.address.description }

    var family: Int32 { self.address.v4 == nil ? AF_INET6 : AF_INET }

    /// The first address that the system's resolver has for a name. It blocks.
    package static func resolve(host: String, port: UInt16) throws(ReactorError) -> SocketAddress {
        if var address = PeerAddress(host: host) {
            address.port = port
            return SocketAddress(address)
        }
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var results: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, nil, &hints, &results)
        // The list belongs to us until it is freed, and each address in it is as long as it says.
        defer { if let results = unsafe results { unsafe freeaddrinfo(results) } }
        guard code == 0, let first = unsafe results?.pointee, let source = unsafe first.ai_addr else {
            throw ReactorError("cannot resolve \(host)")
        }
        var storage = sockaddr_storage()
        unsafe memcpy(&storage, source, min(Int(first.ai_addrlen), MemoryLayout<sockaddr_storage>.size))
        guard var address = PeerAddress(storage) else { throw ReactorError("\(host) has no Internet address") }
        address.port = port
        return SocketAddress(address)
    }

    /// Gives the address as the system calls take it.
    func withSystemAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        if let v4 = self.address.v4 {
            var system = sockaddr_in()
            system.sin_family = sa_family_t(AF_INET)
            system.sin_port = self.port.bigEndian
            system.sin_addr.s_addr = v4.bigEndian
            return unsafe Self.rebound(&system, body)
        }
        var system = sockaddr_in6()
        system.sin6_family = sa_family_t(AF_INET6)
        system.sin6_port = self.port.bigEndian
        let (high, low) = (self.address.high.bigEndian, self.address.low.bigEndian)
        unsafe withUnsafeMutableBytes(of: &system.sin6_addr) { bytes in
            unsafe bytes.storeBytes(of: high, as: UInt64.self)
            unsafe bytes.storeBytes(of: low, toByteOffset: 8, as: UInt64.self)
        }
        return unsafe Self.rebound(&system, body)
    }

    /// Every kind of socket address begins as `sockaddr` does; that is how the system calls are typed.
    private static func rebound<Address, Result>(
        _ address: inout Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { rebound in
                unsafe body(rebound, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }
}

extension PeerAddress {
    /// The address that a system call filled in, or nil for another family.
    init?(_ storage: sockaddr_storage) {
        let family = Int32(storage.ss_family)
        guard family == AF_INET || family == AF_INET6 else { return nil }
        // The storage is larger than either kind, and the family tells which of them it is.
        self = unsafe withUnsafeBytes(of: storage) { bytes in
            if family == AF_INET {
                let system = unsafe bytes.load(as: sockaddr_in.self)
                return PeerAddress(
                    v4: UInt32(bigEndian: system.sin_addr.s_addr), port: UInt16(bigEndian: system.sin_port))
            }
            let high = unsafe bytes.load(fromByteOffset: 8, as: UInt64.self)
            let low = unsafe bytes.load(fromByteOffset: 16, as: UInt64.self)
            let port = unsafe bytes.load(fromByteOffset: 2, as: UInt16.self)
            return PeerAddress(
                high: UInt64(bigEndian: high), low: UInt64(bigEndian: low), port: UInt16(bigEndian: port))
        }
    }
}
