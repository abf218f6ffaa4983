// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletReactor
import Testing

@Suite(.serialized, .timeLimit(.minutes(1)))
struct InputTests {
    /// A server that sends back what it gets.
    private func echo() throws -> TestServer {
        let server = try TestServer()
        server.onReceived = { [unowned server] slot, bytes in
            server.reactor.send(bytes.span, to: slot)
            return bytes.count
        }
        try server.start()
        return server
    }

    @Test func echoesWhatComes() throws {
        let server = try self.echo()
        defer { server.stop() }
        let client = try TestClient(server.address)
        try client.send("hello")
        #expect(try client.receiveText(count: 5) == "hello")
        let large = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let other = try TestClient(server.address)
        for start in stride(from: 0, to: large.count, by: 50_000) {
            let part = Array(large[start..<(start + 50_000)])
            try other.send(part)
            #expect(try other.receive(count: part.count) == part)
        }
    }
}
