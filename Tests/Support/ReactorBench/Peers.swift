// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore
import MartletReactor
import Synchronization

/// The far ends: connects as often as a line on standard input says in all, reads and throws away what comes, and sends
/// a message on every connection for each line `send`.
final class Peers: ReactorDelegate, @unchecked Sendable {
    private let reactor: Reactor
    private let target: SocketAddress
    private let commands = Mutex<[String]>([])
    /// 32 bytes, which a bare HTTP server takes for a request, so that others can be measured with the same peers.
    private static let message = Array("GET / HTTP/1.1\r\nHost: bench\r\n\r\n ".utf8)

    private var wanted = 0
    private var made = 0

    init(port: UInt16, count: Int) throws {
        var configuration = ReactorConfiguration()
        configuration.slotCapacity = count + 1024
        self.reactor = try Reactor(configuration: configuration, shared: ReactorShared())
        self.target = SocketAddress(PeerAddress(v4: 0x7F00_0001, port: port))
        self.reactor.delegate = self
    }

    func run() throws {
        try self.reactor.start()
        while let line = readLine() {
            self.commands.withLock { $0.append(line) }
            self.reactor.wake()
        }
        self.reactor.stop()
    }

    func accepted(_ slot: Int32, address: PeerAddress) { self.connectMore() }
    func received(_ slot: Int32, _ bytes: inout MutableSpan<UInt8>) -> Int { bytes.count }
    func deadlineReached(_ slot: Int32) {}
    func overflowed(_ slot: Int32) {}
    func closed(_ slot: Int32, cause: ReactorCloseCause) {}
    func ticked() {}

    func woken() {
        let lines = self.commands.withLock { lines in
            defer { lines = [] }
            return lines
        }
        for line in lines {
            if let count = Int(line) {
                self.wanted = count
                for _ in 0..<64 { self.connectMore() }
            } else {
                let frame = self.reactor.frame(Self.message)
                for slot in 0..<Int32(self.made) { self.reactor.enqueue(frame, to: slot) }
            }
        }
    }

    private func connectMore() {
        guard self.made < self.wanted, self.reactor.connect(to: self.target) != nil else { return }
        self.made += 1
    }
}
