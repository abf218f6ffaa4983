// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletControl
import MartletCore
import MartletEdge
import MartletHub
import MartletInstruments
import MartletKafka
import MartletProtocol
import MartletSessions
import Synchronization

/// What the internal listener asks of the node.
extension NodeRuntime: NodeOperations {
    func readiness() -> Readiness { self.life.readiness }

    func perform(_ command: APICommand) async throws(APIError) -> APIResult {
        switch command {
        case .publish(let request): return .publish(try await self.publish(request))
        // Asked for in pieces.
        case .broadcast: throw APIError(.notAvailable)
        case .presence(let request): return .presence(try await self.presence(of: request.channel))
        case .presenceStats(let request):
            let stats = try await self.presenceStats(of: request.channel)
            return .presenceStats(clients: stats.clients, users: stats.users)
        case .history(let request):
            let page = try await self.history(request)
            return .history(page.publications, top: page.top)
        case .historyRemove(let request):
            try await self.removeHistory(of: request.channel)
            return .done
        // No part of the node brings methods of its own.
        case .rpc: throw APIError(.methodNotFound)
        case .revoke(let request): return .revoked(try await self.revoke(request))
        case .drain(let request): return .drain(try await self.drain(request))
        case .revocations(let request): return .revocation(try await self.status(of: request))
        case .explain(let request): return .explained(try await self.explain(request))
        case .subscribe, .unsubscribe, .disconnect, .refresh, .connections, .channels, .info:
            return try await self.askAll(command)
        }
    }

    func revoke(_ request: APIRequest.Revoke) async throws(APIError) -> RevocationReceipt {
        let decoded = request.invalidation(id: UUID().uuidString.lowercased(), at: Clock.wall)
        if decoded.isClamped { self.sessionMetrics.invalidationsClamped.add() }
        return try await self.revoker.revoke(decoded.invalidation)
    }

    func demoToken(user: String, session: String) -> String? {
        guard let issuer = self.demoIssuer else { return nil }
        let now = Int64(Clock.wall)
        // Others see it, so that they can end just this session.
        var info = JSONWriter()
        info.beginObject()
        info.member("session", session)
        info.endObject()
        return issuer.token(
            for: Identity(
                user: user, session: session, token: UUID().uuidString.lowercased(), issuedAt: now,
                expiresAt: now + 3_600, info: info.bytes))
    }

    var uptime: Double { (ContinuousClock.now - self.startedAt).inSeconds }

    func overview() -> NodeOverview {
        let snapshots = self.snapshot.withLock { $0 }
        let leading = snapshots.reduce(into: [String: Int]()) { sum, snapshot in
            for channel in snapshot.topChannels { sum[channel.name, default: 0] += channel.subscribers }
        }
        let top = leading.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(10)
        var counters = NodeOverview.Counters()
        counters.opened = self.edge.metrics.opened.total
        counters.closed = self.edge.metrics.closedTotal
        counters.refused = self.edge.metrics.refusedTotal
        counters.publications = self.hubMetrics.publications.total
        counters.deliveries = self.hubMetrics.deliveries.total
        counters.invalidations = self.sessionMetrics.invalidationsTaken
        counters.revokedConnections = self.hubMetrics.revocationLag.counts.reduce(0, +)
        return NodeOverview(
            name: self.configuration.nodeName, version: Version.current, uptime: self.uptime,
            bus: self.configuration.redis.urls.isEmpty ? "memory" : "redis", readiness: self.readiness(),
            capacity: self.edge.capacity,
            connections: self.edge.metrics.openByProtocol.map {
                NodeOverview.Connections(transport: $0.transport, protocol: $0.protocol, open: $0.open)
            },
            // A channel counts once for each shard with a subscriber.
            channels: snapshots.reduce(0) { $0 + $1.channelCount },
            subscriptions: snapshots.reduce(0) { $0 + $1.subscriptions },
            topChannels: top.map { NodeOverview.Channel(name: $0.key, subscribers: $0.value) },
            revocations: self.revocations.count, counters: counters,
            revocationLag: NodeOverview.Lag(
                median: self.hubMetrics.revocationLag.quantile(0.5), p99: self.hubMetrics.revocationLag.quantile(0.99)))
    }
}
