// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import MartletCore
import MartletReactor

/// A blocking TCP client whose calls give up after half a minute.
final class TestClient {
    struct Failure: Error {
        var code: Int32
    }

    private(set) var descriptor: Int32

    init(_ address: SocketAddress, receiveBufferBytes: Int? = nil) throws {
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard self.descriptor >= 0 else { throw Failure(code: errno) }
        if let bytes = receiveBufferBytes {
            var value = Int32(bytes)
            unsafe setsockopt(self.descriptor, SOL_SOCKET, SO_RCVBUF, &value, 4)
        }
        var timeout = timeval(tv_sec: 30, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, size)
        unsafe setsockopt(self.descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, size)
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = address.port.bigEndian
        target.sin_addr.s_addr = (address.address.v4 ?? 0).bigEndian
        let result = unsafe withUnsafePointer(to: &target) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { rebound in
                unsafe connect(self.descriptor, rebound, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let code = errno
            Glibc.close(self.descriptor)
            self.descriptor = -1
            throw Failure(code: code)
        }
    }

    deinit { self.close() }

    func send(_ text: String) throws { try self.send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = unsafe rest.withUnsafeBytes { buffer in
                unsafe Glibc.send(self.descriptor, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { throw Failure(code: errno) }
            rest = rest.dropFirst(sent)
        }
    }

    /// What comes next, at most `max` bytes; empty at the end.
    func receive(max: Int = 65_536) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: max)
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe recv(self.descriptor, buffer.baseAddress, buffer.count, 0)
        }
        guard count >= 0 else { throw Failure(code: errno) }
        return Array(bytes.prefix(count))
    }

    /// Exactly `count` bytes, or fewer where the end comes before.
    func receive(count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more = try self.receive(max: count - bytes.count)
            if more.isEmpty { break }
            bytes += more
        }
        return bytes
    }

    func receiveText(count: Int) throws -> String { String(decoding: try self.receive(count: count), as: UTF8.self) }

    /// Everything up to the end.
    func receiveAll() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let more = try self.receive()
            if more.isEmpty { return bytes }
            bytes += more
        }
    }

    /// Whether there is something to read, be it the end.
    func hasInput(within seconds: Double) -> Bool {
        var request = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&request, 1, Int32(seconds * 1_000)) > 0
    }

    var localPort: UInt16 {
        var name = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = unsafe withUnsafeMutablePointer(to: &name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { rebound in
                unsafe getsockname(self.descriptor, rebound, &length)
            }
        }
        return UInt16(bigEndian: name.sin_port)
    }

    func endOutput() { shutdown(self.descriptor, Int32(SHUT_WR)) }

    /// Closes with a reset instead of an end.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(self.descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        self.close()
    }

    func close() {
        guard self.descriptor >= 0 else { return }
        Glibc.close(self.descriptor)
        self.descriptor = -1
    }
}
