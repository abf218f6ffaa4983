// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore
import MartletInstruments
import MartletReactor
import Synchronization
import Testing

@Suite(.serialized, .timeLimit(.minutes(3)))
struct LifeTests {
    @Test func usesSlotsAgainUnderAnotherName() throws {
        let server = try TestServer()
        try server.start()
        defer { server.stop() }
        let first = try TestClient(server.address)
        #expect(eventually { server.opened.count == 1 })
        let id = server.opened[0].id
        #expect(server.run { server.reactor.slot(of: id) } == 0)
        first.close()
        #expect(eventually { server.closed.count == 1 })
        #expect(server.closed[0].id == id)
        #expect(server.run { server.reactor.slot(of: id) } == nil)
        let second = try TestClient(server.address)
        #expect(eventually { server.opened.count == 2 })
        #expect(server.opened[1].slot == 0)
        #expect(server.opened[1].id != id)
        #expect(server.run { server.reactor.slot(of: id) } == nil)
        second.close()
    }

    @Test func deadlinesComeOnce() throws {
        let server = try TestServer()
        let reached = Mutex<[Int32]>([])
        server.onDeadline = { slot in reached.withLock { $0.append(slot) } }
        try server.start()
        defer { server.stop() }
        let clients = try (0..<4).map { _ in try TestClient(server.address) }
        #expect(eventually { server.opened.count == 4 })
        let reactor = server.reactor
        let start = server.run { () -> Int64 in
            for slot: Int32 in 0..<4 { reactor.setDeadline(slot, at: reactor.now + 150_000_000) }
            reactor.setDeadline(1, at: reactor.now + 500_000_000)
            reactor.clearDeadline(2)
            reactor.abort(3)
            return reactor.now
        }
        #expect(eventually { reached.withLock { $0.first } == 0 })
        #expect(Clock.monotonic - start >= 150_000_000)
        #expect(eventually { reached.withLock { $0 } == [0, 1] })
        #expect(Clock.monotonic - start >= 500_000_000)
        #expect(!eventually(within: 0.3) { reached.withLock { $0.count } > 2 })
        withExtendedLifetime(clients) {}
    }

    @Test func ticksTenTimesASecond() throws {
        let server = try TestServer()
        let count = Atomic<Int>(0)
        server.onTicked = { count.add(1, ordering: .relaxed) }
        try server.start()
        defer { server.stop() }
        let start = Clock.monotonic
        #expect(eventually(within: 10) { count.load(ordering: .relaxed) >= 20 })
        // Fewer where the machine was busy, never more.
        let most = (Clock.monotonic - start) / 100_000_000 + 2
        #expect(count.load(ordering: .relaxed) <= most)
    }

    @Test func wakesFromOtherThreads() throws {
        let server = try TestServer()
        try server.start()
        defer { server.stop() }
        let done = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            for _ in 0..<500 { server.run { _ = done.add(1, ordering: .relaxed) } }
        }
        #expect(done.load(ordering: .relaxed) == 2000)
        #expect(server.wakeCount.total <= 2000)
    }

    @Test func stopTellsEveryConnection() throws {
        let server = try TestServer()
        try server.start()
        let clients = try (0..<10).map { _ in try TestClient(server.address) }
        #expect(eventually { server.opened.count == 10 })
        server.run { for slot: Int32 in 0..<10 { server.reactor.send(Array("bye".utf8), to: slot) } }
        server.stop()
        server.stop()
        #expect(server.closed.map(\.cause) == Array(repeating: .stopped, count: 10))
        #expect(server.shared.openConnections.current == 0)
        for client in clients { #expect(try client.receiveText(count: 3) == "bye") }
    }

    @Test func survivesChurn() throws {
        let server = try TestServer()
        let reactor = server.reactor
        server.onReceived = { slot, bytes in
            let count = bytes.count
            reactor.send(bytes.span, to: slot)
            if bytes[0] == UInt8(ascii: "q") { reactor.finish(slot) }
            return count
        }
        try server.start()
        defer { server.stop() }
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            for round in 0..<500 {
                guard let client = try? TestClient(server.address) else { continue }
                switch (round + thread) % 4 {
                case 0: break
                case 1: client.reset()
                case 2:
                    try? client.send("quit")
                    _ = try? client.receiveAll()
                default:
                    try? client.send("hello")
                    _ = try? client.receive(count: 5)
                }
            }
        }
        #expect(eventually { server.opened.count == 2000 && server.closed.count == 2000 })
        #expect(server.shared.openConnections.current == 0)
        #expect(server.run { reactor.connectionCount } == 0)
        #expect(server.run { reactor.liveFrameCount } == 0)
    }

    @Test func connectsOutward() throws {
        let server = try TestServer()
        server.onReceived = { [unowned server] slot, bytes in
            server.reactor.send(bytes.span, to: slot)
            return bytes.count
        }
        try server.start()
        defer { server.stop() }
        let caller = try TestServer(listens: false)
        let answer = Answer<String>()
        caller.onReceived = { _, bytes in
            answer.give(String(decoding: Array(copying: bytes.span), as: UTF8.self))
            return bytes.count
        }
        try caller.start()
        defer { caller.stop() }
        let local = SocketAddress(PeerAddress(v4: 0x7F00_0002))
        let slot = caller.run { () -> Int32? in
            let slot = caller.reactor.connect(to: server.address, from: local)
            if let slot { caller.reactor.send(Array("early".utf8), to: slot) }
            return slot
        }
        #expect(slot != nil)
        #expect(answer.wait() == "early")
        #expect(caller.opened.count == 1)
        #expect(caller.run { caller.reactor.listenerIndex(of: 0) } == nil)
    }

    @Test func tellsThatAConnectFailed() throws {
        // Bound, but nobody listens there.
        let silent = try Listener.bind(SocketAddress(PeerAddress(v4: 0x7F00_0001)), shards: 1)
        let caller = try TestServer(listens: false)
        try caller.start()
        defer { caller.stop() }
        let slot = caller.run { caller.reactor.connect(to: silent.address) }
        if slot != nil { #expect(eventually { caller.closed.map(\.cause) == [.connectFailed] }) }
        #expect(caller.opened.isEmpty)
        #expect(caller.shared.openConnections.current == 0)
    }
}
