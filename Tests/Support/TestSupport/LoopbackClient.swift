// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A blocking TCP client of a loopback port, whose calls give up after some seconds.
package final class LoopbackClient {
    private var descriptor: Int32
    /// What was received and not yet taken.
    package var buffer: [UInt8] = []

    /// - Parameters:
    ///   - receiveBytes: The size of the kernel's buffer, for a client that takes little.
    ///   - from: The last byte of the loopback address to come from.
    package init(port: UInt16, receiveBytes: Int32? = nil, from last: UInt8 = 1, timeout: Int = 30) throws {
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard self.descriptor >= 0 else { throw TestSupportError("no socket") }
        if var receiveBytes { unsafe setsockopt(self.descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBytes, 4) }
        var time = timeval(tv_sec: timeout, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, size)
        unsafe setsockopt(self.descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, size)
        var own = Self.address(last, port: 0)
        var peer = Self.address(1, port: port)
        guard unsafe Self.call(&own, { unsafe bind(self.descriptor, $0, $1) }) == 0,
            unsafe Self.call(&peer, { unsafe connect(self.descriptor, $0, $1) }) == 0
        else {
            let code = errno
            self.close()
            throw TestSupportError("cannot connect to port \(port): \(code)")
        }
    }

    deinit { self.close() }

    private static func address(_ last: UInt8, port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = (UInt32(0x7F00_0000) | UInt32(last)).bigEndian
        return address
    }

    private static func call(
        _ address: inout sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        // unsafe: the system reads the address, of the length given, before it returns.
        unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe body(pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    package func send(_ text: String) throws { try self.send(Array(text.utf8)) }

    package func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = unsafe rest.withUnsafeBytes { buffer in
                unsafe Glibc.send(self.descriptor, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { throw TestSupportError("cannot send: \(errno)") }
            rest = rest.dropFirst(sent)
        }
    }

    /// Appends what comes next to the buffer; false at the end, which may be a reset.
    package func receive() throws -> Bool {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe recv(self.descriptor, buffer.baseAddress, buffer.count, 0)
        }
        guard count >= 0 else {
            if errno == ECONNRESET { return false }
            throw TestSupportError("nothing was received in time: \(errno)")
        }
        self.buffer += bytes.prefix(count)
        return count > 0
    }

    /// The next `count` bytes.
    package func take(_ count: Int) throws -> [UInt8] {
        while self.buffer.count < count {
            guard try self.receive() else { throw TestSupportError("the end came early") }
        }
        defer { self.buffer.removeFirst(count) }
        return Array(self.buffer[..<count])
    }

    /// What comes up to and with a mark.
    package func take(through mark: String) throws -> String {
        let mark = Array(mark.utf8)
        var start = 0
        while true {
            while start + mark.count <= self.buffer.count {
                if self.buffer[start] == mark[0], self.buffer[start..<start + mark.count].elementsEqual(mark) {
                    return String(decoding: try self.take(start + mark.count), as: UTF8.self)
                }
                start += 1
            }
            guard try self.receive() else { throw TestSupportError("the end came early") }
        }
    }

    /// All up to the end.
    package func takeAll() throws -> [UInt8] {
        while try self.receive() {}
        defer { self.buffer = [] }
        return self.buffer
    }

    package func endOutput() { shutdown(self.descriptor, Int32(SHUT_WR)) }

    package func close() {
        guard self.descriptor >= 0 else { return }
        Glibc.close(self.descriptor)
        self.descriptor = -1
    }
}
