// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletControl
import MartletInstruments
import MartletProtocol
import Synchronization

/// A node that remembers what it was asked and fails where it is told to.
final class FakeOperations: NodeOperations {
    struct Calls: Sendable {
        var published: [APIRequest.Publish] = []
        var disconnected: [APIRequest.Disconnect] = []
        var revoked: [APIRequest.Revoke] = []
    }

    let metrics = MetricsRegistry()
    let receipt: RevocationReceipt
    private let current: Mutex<Readiness>
    private let calls = Mutex(Calls())

    init(
        readiness: Readiness = Readiness(state: .ready),
        receipt: RevocationReceipt = RevocationReceipt(id: "r-1", isDurable: false)
    ) {
        self.current = Mutex(readiness)
        self.receipt = receipt
    }

    var recorded: Calls { self.calls.withLock { $0 } }

    func become(_ readiness: Readiness) { self.current.withLock { $0 = readiness } }

    func readiness() -> Readiness { self.current.withLock { $0 } }

    func overview() -> NodeOverview {
        var counters = NodeOverview.Counters()
        counters.deliveries = 12
        counters.revokedConnections = 3
        return NodeOverview(
            name: "fake", version: "0.1.0", uptime: 1.5, bus: "memory", readiness: self.readiness(), capacity: 100,
            connections: [.init(transport: "websocket", protocol: "jsonrpc", open: 2)], channels: 1, subscriptions: 2,
            topChannels: [.init(name: "news:today", subscribers: 2)], revocations: 4, counters: counters,
            revocationLag: .init(median: 0.001, p99: 0.004))
    }

    func info() async throws(APIError) -> [NodeInfo] {
        [
            NodeInfo(
                uid: "n1", name: "fake", version: "0.1.0", clients: 2, users: 1, channels: 1, subscriptions: 2,
                uptime: 7)
        ]
    }

    /// Every channel is known but `unknown`, and the bus is away for `away`.
    func publish(channel: String, data: [UInt8]) async throws(APIError) {
        if channel == "unknown" { throw APIError(.unknownChannel) }
        if channel == "away" { throw APIError(.internalError) }
        self.calls.withLock { $0.published.append(APIRequest.Publish(channel: channel, data: data)) }
    }

    func disconnect(_ request: APIRequest.Disconnect) async throws(APIError) {
        self.calls.withLock { $0.disconnected.append(request) }
    }

    func revoke(_ request: APIRequest.Revoke) async throws(APIError) -> RevocationReceipt {
        self.calls.withLock { $0.revoked.append(request) }
        return self.receipt
    }

    func demoToken(user: String, session: String) -> String? { "token of \(user) in \(session)" }
}
