// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletInstruments
import MartletReactor
import Synchronization
import Testing

@Suite(.serialized, .timeLimit(.minutes(3)))
struct OutputTests {
    /// A server with this many clients connected, in the order of their slots.
    private func crowd(
        _ count: Int, listenOptions: SocketOptions = SocketOptions(), receiveBufferBytes: Int? = nil,
        configure: (inout ReactorConfiguration) -> Void = { _ in }
    ) throws -> (TestServer, [TestClient]) {
        let server = try TestServer(listenOptions: listenOptions, configure: configure)
        try server.start()
        var clients: [TestClient] = []
        for index in 0..<count {
            clients.append(try TestClient(server.address, receiveBufferBytes: receiveBufferBytes))
            #expect(eventually { server.opened.count == index + 1 })
        }
        return (server, clients)
    }

    /// Small buffers at both ends, so that a peer that does not read is soon noticed.
    private var smallBuffers: SocketOptions {
        var options = SocketOptions()
        options.sendBufferBytes = 16_384
        return options
    }

    @Test func sendsATurnInOneCall() throws {
        let (server, clients) = try self.crowd(3)
        defer { server.stop() }
        let before = server.shared.sends.total
        server.run {
            for round in 0..<100 {
                let frame = server.reactor.frame(Array("message \(round % 10)\n".utf8))
                for slot: Int32 in 0..<3 { server.reactor.enqueue(frame, to: slot) }
            }
        }
        let expected = String(repeating: (0..<10).map { "message \($0)\n" }.joined(), count: 10)
        for client in clients { #expect(try client.receiveText(count: expected.utf8.count) == expected) }
        #expect(eventually { server.shared.sends.total == before + 3 })
    }

    @Test func sendsAtOnceWhatIsLarge() throws {
        let (server, clients) = try self.crowd(1)
        defer { server.stop() }
        let block = [UInt8](repeating: 7, count: 16_384)
        let before = server.shared.sends.total
        server.run { for _ in 0..<16 { server.reactor.send(block, to: 0) } }
        #expect(try clients[0].receive(count: 16 * block.count) == [UInt8](repeating: 7, count: 16 * block.count))
        #expect(eventually { server.shared.sends.total >= before + 4 })
    }

    @Test func keepsOrderOverFramesOfAllSizes() throws {
        let (server, clients) = try self.crowd(1, listenOptions: self.smallBuffers, receiveBufferBytes: 8192)
        defer { server.stop() }
        var generator = SystemRandomNumberGenerator()
        let sizes = (0..<400).map { _ in
            Bool.random(using: &generator) ? Int.random(in: 0...300) : Int.random(in: 0...20_000)
        }
        let frames = sizes.enumerated().map { index, size in
            [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: size)
        }
        server.run { for frame in frames { server.reactor.send(frame, to: 0) } }
        let expected = Array(frames.joined())
        #expect(try clients[0].receive(count: expected.count) == expected)
        #expect(eventually { server.shared.pendingBytes.current == 0 })
        #expect(server.closed.isEmpty)
    }

    @Test func tellsOfASlowReaderAndGivesTheMemoryBack() throws {
        let (server, clients) = try self.crowd(1, listenOptions: self.smallBuffers, receiveBufferBytes: 4096) {
            $0.pendingBytesMax = 200_000
        }
        defer { server.stop() }
        let told = Atomic<Int>(0)
        let reactor = server.reactor
        server.run {
            server.onOverflowed = { slot in
                told.add(1, ordering: .relaxed)
                #expect(reactor.pendingBytes(slot) > 200_000)
                reactor.abort(slot)
            }
        }
        let block = [UInt8](repeating: 1, count: 1000)
        for _ in 0..<400 { server.run { for _ in 0..<10 { reactor.send(block, to: 0) } } }
        #expect(eventually { server.closed.map(\.cause) == [.aborted] })
        #expect(told.load(ordering: .relaxed) == 1)
        #expect(eventually { server.shared.pendingBytes.current == 0 })
        #expect(server.run { reactor.liveFrameCount } == 0)
        clients[0].close()
    }

    @Test func aLongTurnAloneIsNotSlowness() throws {
        let (server, clients) = try self.crowd(1) { $0.pendingBytesMax = 100_000 }
        defer { server.stop() }
        let isOverflown = Flag()
        server.run { server.onOverflowed = { _ in isOverflown.value = true } }
        let count = 300
        let reader = ReaderThread(clients[0], count: count * 1000)
        for _ in 0..<10 {
            server.run { for _ in 0..<(count / 10) { server.reactor.send([UInt8](repeating: 1, count: 1000), to: 0) } }
        }
        #expect(reader.result() == count * 1000)
        #expect(!isOverflown.value)
    }

    @Test func theWorstGoFirstWhenAllTogetherAreTooMuch() throws {
        let (server, clients) = try self.crowd(3, listenOptions: self.smallBuffers, receiveBufferBytes: 4096) {
            $0.pendingBytesTotalMax = 1_000_000
        }
        defer { server.stop() }
        let reactor = server.reactor
        server.run { server.onOverflowed = { reactor.abort($0) } }
        let block = [UInt8](repeating: 1, count: 50_000)
        server.run {
            for (slot, blocks) in [(Int32(0), 4), (1, 18), (2, 6)] {
                for _ in 0..<blocks { reactor.send(block, to: slot) }
            }
        }
        #expect(eventually { server.closed.map(\.slot) == [1] })
        #expect(eventually { server.shared.pendingBytes.current < 1_000_000 })
        #expect(server.shared.pendingBytes.current > 0)
        withExtendedLifetime(clients) {}
    }

    @Test func discardsButNeverAPartlySentFrame() throws {
        let (server, clients) = try self.crowd(1, listenOptions: self.smallBuffers, receiveBufferBytes: 4096)
        defer { server.stop() }
        let reactor = server.reactor
        let block = [UInt8](repeating: 1, count: 300_000)
        server.run {
            reactor.send(block, to: 0)
            for _ in 0..<5 { reactor.send([2, 2, 2], to: 0) }
        }
        #expect(server.run { reactor.pendingBytes(0) } > 0)
        #expect(server.run { reactor.discardPending(0) } == 5)
        server.run { reactor.send([3], to: 0) }
        #expect(try clients[0].receive(count: 300_001) == block + [3])
    }

    @Test func dropsTheOldestThatMayBe() throws {
        let (server, clients) = try self.crowd(1, listenOptions: self.smallBuffers, receiveBufferBytes: 4096)
        defer { server.stop() }
        let reactor = server.reactor
        let block = [UInt8](repeating: 1, count: 300_000)
        let drop: @Sendable (Int) -> Int = { bytes in server.run { reactor.discardDroppable(0, downTo: bytes) } }
        server.run {
            reactor.enqueue(reactor.droppableFrame(block), to: 0)
            for number in UInt8(2)..<8 {
                let bytes = [UInt8](repeating: number, count: 1_000)
                reactor.enqueue(number == 4 ? reactor.frame(bytes) : reactor.droppableFrame(bytes), to: 0)
            }
        }
        let pending = server.run { reactor.pendingBytes(0) }
        #expect(pending > 6_000)
        // What is partly sent cannot be dropped, and what stays need not be.
        #expect(drop(pending) == 0 && drop(pending - 1_500) == 2)
        #expect(server.run { reactor.pendingBytes(0) } == pending - 2_000)
        #expect(drop(0) == 2 && drop(0) == 0)
        #expect(server.run { reactor.pendingBytes(0) } == pending - 4_000)
        server.run { reactor.send([9], to: 0) }
        let rest = [UInt8](repeating: 4, count: 1_000) + [UInt8](repeating: 7, count: 1_000) + [9]
        #expect(try clients[0].receive(count: 302_001) == block + rest)
        #expect(eventually { server.shared.pendingBytes.current == 0 })
        #expect(server.run { reactor.liveFrameCount } == 0)
    }

    @Test func whoMadeRoomIsToldAgain() throws {
        let (server, clients) = try self.crowd(1, listenOptions: self.smallBuffers, receiveBufferBytes: 4096) {
            $0.pendingBytesMax = 200_000
        }
        defer { server.stop() }
        let told = Atomic<Int>(0)
        let reactor = server.reactor
        server.run {
            server.onOverflowed = { slot in
                told.add(1, ordering: .relaxed)
                reactor.discardDroppable(slot, downTo: 100_000)
            }
        }
        let block = [UInt8](repeating: 1, count: 10_000)
        for _ in 0..<200 { server.run { reactor.enqueue(reactor.droppableFrame(block), to: 0) } }
        #expect(eventually { told.load(ordering: .relaxed) > 2 })
        #expect(server.shared.pendingBytes.current < 250_000 && server.closed.isEmpty)
        withExtendedLifetime(clients) {}
    }

    @Test func finishDeliversAllBeforeTheEnd() throws {
        let (server, clients) = try self.crowd(2, listenOptions: self.smallBuffers, receiveBufferBytes: 4096)
        defer { server.stop() }
        let reactor = server.reactor
        let block = [UInt8](repeating: 9, count: 500_000)
        server.run {
            reactor.send(block, to: 0)
            reactor.finish(0)
            #expect(!reactor.isOpen(0))
            // Nothing is taken any more.
            reactor.send([1, 2, 3], to: 0)
        }
        // What the peer still sends is read and thrown away, so that no reset overtakes the answer.
        try clients[0].send("still talking")
        #expect(try clients[0].receiveAll() == block)
        #expect(server.closed.isEmpty)
        clients[0].close()
        #expect(eventually { server.closed.map(\.cause) == [.finished] })
        #expect(server.run { reactor.isOpen(1) })
    }

    @Test func finishAwaitsThePeer() throws {
        let (server, clients) = try self.crowd(2) { $0.lingerTimeout = .seconds(3) }
        defer { server.stop() }
        server.run {
            server.onReceived = { slot, bytes in
                server.reactor.finish(slot)
                return bytes.count
            }
            for slot: Int32 in 0...1 {
                server.reactor.send([1, 2], to: slot)
                server.reactor.finish(slot, afterPeer: true)
                server.reactor.send([3], to: slot)
            }
        }
        #expect(try clients[0].receive(count: 2) == [1, 2])
        #expect(!clients[0].hasInput(within: 0.1), "the end came before the answer")
        // The delegate is given what comes, and ends our side.
        try clients[0].send("q")
        #expect(try clients[0].receiveAll().isEmpty)
        clients[0].close()
        // Who says nothing is not waited for without end.
        #expect(try clients[1].receiveAll() == [1, 2])
        #expect(eventually { server.closed.map(\.cause) == [.finished, .finished] })
    }

    @Test func finishDoesNotWaitForever() throws {
        let (server, clients) = try self.crowd(2, listenOptions: self.smallBuffers, receiveBufferBytes: 4096) {
            $0.lingerTimeout = .milliseconds(200)
            $0.flushTimeout = .milliseconds(200)
        }
        defer { server.stop() }
        server.run {
            // One whose peer does not end, one whose peer does not even read.
            server.reactor.finish(0)
            server.reactor.send([UInt8](repeating: 0, count: 1_000_000), to: 1)
            server.reactor.finish(1)
        }
        #expect(eventually { server.closed.map(\.cause) == [.finished, .finished] })
        #expect(eventually { server.shared.pendingBytes.current == 0 })
        withExtendedLifetime(clients) {}
    }

    @Test func abortClosesAtTheEndOfTheTurn() throws {
        let (server, clients) = try self.crowd(1)
        defer { server.stop() }
        let closedWithin = server.run {
            server.reactor.send([1, 2, 3], to: 0)
            server.reactor.abort(0)
            server.reactor.abort(0)
            return server.closed.count
        }
        #expect(closedWithin == 0)
        #expect(eventually { server.closed.map(\.cause) == [.aborted] })
        #expect(try clients[0].receiveAll().isEmpty)
    }

    @Test func heldFramesOutliveTheirTurn() throws {
        let (server, clients) = try self.crowd(1)
        defer { server.stop() }
        let frame = server.run { () -> FrameIndex in
            let frame = server.reactor.frame(Array("ping".utf8))
            server.reactor.hold(frame)
            return frame
        }
        for _ in 0..<3 {
            server.run { server.reactor.enqueue(frame, to: 0) }
            #expect(try clients[0].receiveText(count: 4) == "ping")
        }
        server.run { server.reactor.release(frame) }
        #expect(server.run { server.reactor.liveFrameCount } == 0)
    }

    @Test func longSweepsLeaveOthersTheirTurn() throws {
        let (server, clients) = try self.crowd(120) { $0.sendsPerSlice = 8 }
        defer { server.stop() }
        let answered = Answer<Int>()
        let sends = server.shared.sends.total
        server.run {
            server.onReceived = { _, bytes in
                answered.give(server.shared.sends.total - sends)
                return bytes.count
            }
        }
        try clients[119].send("x")
        server.run {
            let frame = server.reactor.frame(Array("broadcast".utf8))
            for slot: Int32 in 0..<120 { server.reactor.enqueue(frame, to: slot) }
        }
        // Either before the sweep or between its slices, but not behind it.
        #expect(answered.wait() < 119)
        for client in clients { #expect(try client.receiveText(count: 9) == "broadcast") }
    }
}
