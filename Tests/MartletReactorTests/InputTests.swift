// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletInstruments
import MartletReactor
import Testing

@Suite(.serialized, .timeLimit(.minutes(3)))
struct InputTests {
    /// Consumes whole lines and sends each back; what follows the last line feed stays.
    private static func lines(_ server: TestServer, _ slot: Int32, _ bytes: inout MutableSpan<UInt8>) -> Int {
        guard let end = bytes.indices.last(where: { bytes[$0] == UInt8(ascii: "\n") }) else { return 0 }
        server.reactor.send(bytes.span.extracting(0...end), to: slot)
        return end + 1
    }

    private func lineServer(_ configure: (inout ReactorConfiguration) -> Void = { _ in }) throws -> TestServer {
        let server = try TestServer(configure: configure)
        server.onReceived = { [unowned server] slot, bytes in Self.lines(server, slot, &bytes) }
        try server.start()
        return server
    }

    @Test func echoesWhatComes() throws {
        let server = try TestServer()
        server.onReceived = { [unowned server] slot, bytes in
            server.reactor.send(bytes.span, to: slot)
            return bytes.count
        }
        try server.start()
        defer { server.stop() }
        let client = try TestClient(server.address)
        let large = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        for start in stride(from: 0, to: large.count, by: 50_000) {
            let part = Array(large[start..<(start + 50_000)])
            try client.send(part)
            #expect(try client.receive(count: part.count) == part)
        }
        #expect(server.shared.bytesReceived.total == large.count)
        #expect(eventually { server.shared.bytesSent.total == large.count })
    }

    @Test func tellsPeerAndListener() throws {
        let server = try TestServer()
        let told = Answer<(PeerAddress, Int?)>()
        server.onAccepted = { [unowned server] slot, address in
            told.give((address, server.reactor.listenerIndex(of: slot)))
        }
        try server.start()
        defer { server.stop() }
        let client = try TestClient(server.address)
        let (address, listener) = told.wait()
        #expect(address.host == "127.0.0.1")
        #expect(address.port == client.localPort)
        #expect(listener == 0)
    }

    @Test func keepsWhatIsNotConsumed() throws {
        let server = try self.lineServer()
        defer { server.stop() }
        let client = try TestClient(server.address)
        for character in "one\ntw" { try client.send(String(character)) }
        #expect(try client.receiveText(count: 4) == "one\n")
        try client.send("o\nthree")
        #expect(try client.receiveText(count: 4) == "two\n")
        try client.send("\n")
        #expect(try client.receiveText(count: 6) == "three\n")
        // A line longer than one read.
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: 60_000)
        try client.send(long)
        try client.send("\n")
        #expect(try client.receive(count: 60_001) == long + [UInt8(ascii: "\n")])
    }

    @Test func changesInPlaceAreKept() throws {
        let server = try TestServer()
        server.onReceived = { [unowned server] slot, bytes in
            for index in bytes.indices where bytes[index] == UInt8(ascii: "a") { bytes[index] = UInt8(ascii: "b") }
            guard bytes.count >= 6 else { return 0 }
            server.reactor.send(bytes.span, to: slot)
            return bytes.count
        }
        try server.start()
        defer { server.stop() }
        let client = try TestClient(server.address)
        try client.send("aca")
        #expect(eventually { server.shared.bytesReceived.total == 3 })
        try client.send("aca")
        #expect(try client.receiveText(count: 6) == "bcbbcb")
    }

    @Test func endsWhatLeavesTooMuch() throws {
        let server = try self.lineServer { $0.inputBytesMax = 1000 }
        defer { server.stop() }
        let client = try TestClient(server.address)
        try client.send([UInt8](repeating: 0x20, count: 1000))
        #expect(eventually { server.shared.bytesReceived.total == 1000 })
        #expect(server.closed.isEmpty)
        try client.send(" ")
        #expect(eventually { server.closed.first?.cause == .inputTooLarge })
    }

    @Test func sendsTheAnswerToAHalfClosedPeer() throws {
        let server = try self.lineServer()
        defer { server.stop() }
        let client = try TestClient(server.address)
        try client.send("last words\n")
        client.endOutput()
        #expect(try client.receiveAll() == Array("last words\n".utf8))
        #expect(eventually { server.closed.map(\.cause) == [.peerClosed] })
    }

    @Test func tellsEndAndReset() throws {
        let server = try self.lineServer()
        defer { server.stop() }
        let polite = try TestClient(server.address)
        polite.close()
        #expect(eventually { server.closed.map(\.cause) == [.peerClosed] })
        let rude = try TestClient(server.address)
        #expect(eventually { server.opened.count == 2 })
        rude.reset()
        #expect(eventually { server.closed.map(\.cause) == [.peerClosed, .reset] })
        #expect(server.shared.openConnections.current == 0)
    }

    @Test func pausesAndResumes() throws {
        let server = try TestServer { $0.inputBytesMax = 16 }
        let isPaused = Flag(true)
        server.onReceived = { [unowned server] slot, bytes in
            if isPaused.value {
                server.reactor.pauseReading(slot)
                return 1
            }
            return Self.lines(server, slot, &bytes)
        }
        try server.start()
        defer { server.stop() }
        let client = try TestClient(server.address)
        // More than may be left, which is no offence while the delegate itself does not want to read.
        try client.send("-the first of all the lines\n")
        #expect(eventually { server.shared.bytesReceived.total == 28 })
        try client.send("second\n")
        #expect(!eventually(within: 0.2) { server.shared.bytesReceived.total > 28 })
        isPaused.value = false
        server.run { server.reactor.resumeReading(server.opened[0].slot) }
        #expect(try client.receiveText(count: 34) == "the first of all the lines\nsecond\n")
    }

    @Test func noticesAResetWhilePaused() throws {
        let server = try TestServer()
        server.onReceived = { [unowned server] slot, bytes in
            server.reactor.pauseReading(slot)
            return bytes.count
        }
        try server.start()
        defer { server.stop() }
        let client = try TestClient(server.address)
        try client.send("x")
        #expect(eventually { server.shared.bytesReceived.total == 1 })
        client.reset()
        #expect(eventually { server.closed.map(\.cause) == [.reset] })
    }
}
