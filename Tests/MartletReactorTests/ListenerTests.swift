// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import MartletCore
import MartletInstruments
import MartletReactor
import Testing

@Suite(.serialized, .timeLimit(.minutes(3)))
struct ListenerTests {
    private let loopback = SocketAddress(PeerAddress(v4: 0x7F00_0001))

    @Test func sharesAPortAmongShards() throws {
        let listener = try Listener.bind(self.loopback, shards: 3)
        #expect(listener.address.port != 0)
        let shared = ReactorShared(capacity: 100)
        let servers = try (0..<3).map { shard in
            try TestServer(listener: listener, shard: UInt8(shard), shared: shared)
        }
        for server in servers { try server.start() }
        defer { for server in servers { server.stop() } }
        let clients = try (0..<60).map { _ in try TestClient(listener.address) }
        #expect(eventually { shared.openConnections.current == 60 })
        #expect(servers.map(\.opened.count).reduce(0, +) == 60)
        #expect(Set(servers.flatMap(\.opened).map(\.id)).count == 60)
        withExtendedLifetime(clients) {}
    }

    @Test func saysThatAPortIsInUse() throws {
        let server = try TestServer()
        try server.start()
        defer { server.stop() }
        let error = #expect(throws: ReactorError.self) { _ = try Listener.bind(server.address, shards: 2) }
        #expect(error?.code == EADDRINUSE)
        #expect(error?.description.contains("cannot listen on 127.0.0.1:\(server.address.port)") == true)
    }

    @Test func takesItsPortAgainAfterAStop() throws {
        let server = try TestServer()
        try server.start()
        let client = try TestClient(server.address)
        #expect(eventually { server.opened.count == 1 })
        server.stop()
        let again = try Listener.bind(server.address, shards: 2)
        #expect(again.address == server.address)
        client.close()
    }

    @Test func bothFamiliesOnOnePort() throws {
        guard let every = SocketAddress("[::]:0"), let listener = try? Listener.bind(every, shards: 1) else { return }
        let server = try TestServer(listener: listener, shard: 0, shared: ReactorShared())
        let peer = Answer<PeerAddress>()
        server.onAccepted = { peer.give($1) }
        try server.start()
        defer { server.stop() }
        let client = try TestClient(SocketAddress(PeerAddress(v4: 0x7F00_0001, port: listener.address.port)))
        #expect(peer.wait().host == "127.0.0.1")
        client.close()
    }

    @Test(arguments: [
        ("127.0.0.1:8000", "127.0.0.1:8000"), ("[::1]:80", "[::1]:80"), (":9000", "[::]:9000"), ("*:1", "[::]:1"),
        ("localhost:7", "127.0.0.1:7"), ("0.0.0.0:0", "0.0.0.0:0"),
    ])
    func readsAddresses(text: String, expected: String) {
        #expect(SocketAddress(text)?.description == expected)
    }

    @Test(arguments: ["", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80", "[::1]", "example.com:80", "1:x"])
    func refusesWhatIsNoAddress(text: String) {
        #expect(SocketAddress(text) == nil)
    }

    @Test func resolvesNames() throws {
        #expect(try SocketAddress.resolve(host: "127.0.0.1", port: 5).description == "127.0.0.1:5")
        #expect(try SocketAddress.resolve(host: "localhost", port: 5).address.isLoopback)
        #expect(throws: ReactorError.self) { try SocketAddress.resolve(host: "no such host", port: 1) }
    }

    @Test func refusesWhatTheTableCannotHold() throws {
        let server = try TestServer { $0.slotCapacity = 2 }
        try server.start()
        defer { server.stop() }
        let clients = try (0..<3).map { _ in try TestClient(server.address) }
        #expect(eventually { server.shared.refusals.total == 1 })
        #expect(try clients[2].receiveAll().isEmpty)
        #expect(server.opened.count == 2)
    }
}
