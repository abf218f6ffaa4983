// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Dispatch
import Foundation
import Glibc
import MartletCore
import TestSupport

/// An issuer with a key of its own, which it publishes over loopback when the test lets it.
final class KeyIssuer: Sendable {
    private let key = P256.Signing.PrivateKey()
    private let gate = DispatchSemaphore(value: 0)
    private let listener: Int32
    let url: String

    init() throws {
        let port = try FreePort.find()
        self.url = "http://127.0.0.1:\(port)/keys"
        self.listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        // unsafe: the system reads the address, of the length given, before it returns.
        let bound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(self.listener, pointer, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard bound, listen(self.listener, 4) == 0 else { throw TestSupportError("no listener") }
        Thread.detachNewThread { [self] in self.serve() }
    }

    /// Lets the key set out.
    func publish() { self.gate.signal() }

    /// Ends the thread, which may wait for either.
    func stop() {
        shutdown(self.listener, Int32(SHUT_RDWR))
        self.gate.signal()
    }

    private func serve() {
        while true {
            let peer = accept(self.listener, nil, nil)
            guard peer >= 0 else { break }
            var head = [UInt8](repeating: 0, count: 8_192)
            _ = unsafe head.withUnsafeMutableBytes { unsafe recv(peer, $0.baseAddress, $0.count, 0) }
            self.gate.wait()
            let body = self.keySet
            let answer = Array(
                "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)".utf8)
            _ = unsafe answer.withUnsafeBytes { unsafe send(peer, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            close(peer)
        }
        close(self.listener)
    }

    private var keySet: String {
        let point = self.key.publicKey.rawRepresentation
        let (x, y) = (Self.encode(point.prefix(32)), Self.encode(point.suffix(32)))
        return #"{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"k","x":"\#(x)","y":"\#(y)"}]}"#
    }

    func token(_ user: String) throws -> String {
        let now = Int64(Clock.wall)
        let header = Self.encode(Data(#"{"alg":"ES256","kid":"k"}"#.utf8))
        let claims = Self.encode(Data(#"{"sub":"\#(user)","iat":\#(now),"exp":\#(now + 600)}"#.utf8))
        let message = header + "." + claims
        let signature = try self.key.signature(for: Data(message.utf8))
        return message + "." + Self.encode(signature.rawRepresentation)
    }

    private static func encode(_ data: Data) -> String {
        String(data.base64EncodedString().filter { $0 != "=" }.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 })
    }
}
