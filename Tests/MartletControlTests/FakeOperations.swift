// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletControl
import MartletCore
import MartletInstruments
import MartletProtocol
import Synchronization

/// A node that remembers what it was asked and fails where it is told to.
final class FakeOperations: NodeOperations {
    let metrics = MetricsRegistry()
    let receipt: RevocationReceipt
    private let current: Mutex<Readiness>
    private let commands = Mutex<[APICommand]>([])
    private let tokens = Mutex<[(token: String, kind: EventTokenKind)]>([])

    init(
        readiness: Readiness = Readiness(state: .ready),
        receipt: RevocationReceipt = RevocationReceipt(id: "r-1", isDurable: false)
    ) {
        self.current = Mutex(readiness)
        self.receipt = receipt
    }

    /// What it was asked, in order.
    var recorded: [APICommand] { self.commands.withLock { $0 } }
    var published: [APIRequest.Publish] {
        self.recorded.compactMap { if case .publish(let request) = $0 { request } else { nil } }
    }

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

    func nodes() -> ClusterOverview {
        let node = ClusterOverview.Node(
            id: "n1", name: "fake", address: "127.0.0.1:8000", state: "ready", connections: 2, capacity: 100,
            utilization: 0.02, version: "0.1.0", startedAt: 1, uptime: 7, silence: 0.5)
        return ClusterOverview(
            node: "n1", bus: "memory", degraded: ["redis: away"], nodes: [node], lost: 0,
            namesakes: ["twin"], connections: 2, desiredNodes: 2, rebalance: "alone")
    }

    /// Every channel is known but `unknown`, the bus is away for `away`, and one of two nodes is silent about `silent`.
    func perform(_ command: APICommand) async throws(APIError) -> APIResult {
        self.commands.withLock { $0.append(command) }
        var reach = NodeReach(nodes: [.init(node: "n1", name: "fake", count: 1)])
        switch command {
        case .publish(let request):
            if request.channel == "unknown" { throw APIError(.unknownChannel) }
            if request.channel == "away" { throw APIError(.internalError) }
            return .publish(request.channel == "kept" ? StreamPosition(offset: 1, epoch: "e") : nil)
        case .disconnect(let request):
            if request.selection.user == "silent" {
                reach.unanswered = [.init(node: "n2", name: "mute", reason: "no answer")]
            }
            return .reached(reach)
        case .subscribe, .unsubscribe, .refresh: return .reached(reach)
        case .connections: return .connections([], reach)
        case .channels: return .channels(["a": 2], reach)
        case .presence: return .presence(["k": Array(#"{"user":"u","client":"k"}"#.utf8)])
        case .presenceStats: return .presenceStats(clients: 2, users: 1)
        case .history: throw APIError(.unrecoverablePosition)
        case .historyRemove: return .done
        case .rpc: throw APIError(.methodNotFound)
        case .revoke: return .revoked(self.receipt)
        case .drain(let request):
            if request.node == "unknown" { throw .badRequest("no node is called unknown") }
            return .drain(Self.draining)
        case .revocations(let request):
            return .revocation(
                RevocationStatus(id: request.id, nodes: [.init(node: "n1", name: "fake", state: .replayed)]))
        case .explain(let request):
            return .explained(SessionExplanation(subject: request, nodes: [], unanswered: []))
        case .info: return .info([Self.node], NodeReach())
        // The control plane asks for its publications one by one.
        case .broadcast: throw APIError(.notAvailable)
        }
    }

    static let draining = DrainStatus(
        node: "n1", name: "fake", phase: .ending, connections: 2, connectionsAtStart: 4, secondsLeft: 1.5)
    private static let node = NodeInfo(
        uid: "n1", name: "fake", version: "0.1.0", clients: 2, users: 1, channels: 1, subscriptions: 2, uptime: 7,
        capacity: 100, state: "ready")

    /// The token says what becomes of it.
    func take(_ token: String, _ kind: EventTokenKind) async -> EventTokenReceipt {
        self.tokens.withLock { $0.append((token, kind)) }
        return switch token {
        case "good": .accepted
        case "other": .ignored
        case "away": .failed("the brokers are away")
        default: .refused(BadRecordReason(rawValue: token) ?? .malformed)
        }
    }

    /// The tokens it was given, in order.
    var delivered: [(token: String, kind: EventTokenKind)] { self.tokens.withLock { $0 } }

    func demoToken(user: String, session: String) -> String? { "token of \(user) in \(session)" }
}
