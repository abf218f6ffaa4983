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

    func info() async throws(APIError) -> [NodeInfo] {
        let snapshots = await self.hub.snapshots(namesUsers: true)
        let channels = snapshots.reduce(into: Set<String>()) { $0.formUnion($1.channels.keys) }
        let users = snapshots.reduce(into: Set<String>()) { $0.formUnion($1.users) }
        return [
            NodeInfo(
                uid: self.identifier, name: self.configuration.nodeName, version: Version.current,
                clients: self.edge.metrics.open.current, users: users.count, channels: channels.count,
                subscriptions: snapshots.reduce(0) { $0 + $1.subscriptions }, uptime: Int(self.uptime))
        ]
    }

    func publish(channel: String, data: [UInt8]) async throws(APIError) {
        guard ChannelName.isValid(channel, bytesMax: self.configuration.limits.channelBytesMax) else {
            throw .badRequest("the channel's name is not valid")
        }
        guard self.configuration.namespaceTable.options(of: channel) != nil else { throw APIError(.unknownChannel) }
        guard data.count <= self.configuration.limits.publicationBytesMax else { throw APIError(.limitExceeded) }
        let publication = Publication(channel: channel, data: data, time: Clock.wall)
        let options = PublishOptions(history: self.configuration.namespaceTable.options(of: channel)?.history)
        let result = await withCheckedContinuation { continuation in
            self.bus.publish(publication, options) { continuation.resume(returning: $0) }
        }
        if case .failure(let error) = result {
            throw APIError(code: CentrifugeError.internalError.code, message: "\(error)")
        }
    }

    func disconnect(_ request: APIRequest.Disconnect) async throws(APIError) {
        var reason = CloseReason.forceDisconnect
        if let code = request.code {
            guard let named = CloseReason.allCases.first(where: { $0.code == code && $0.code >= 3_000 }) else {
                throw .badRequest("the disconnect code is none of this server's")
            }
            reason = named
        }
        let message = ControlMessage.disconnect(
            user: request.user, session: request.session, client: request.client, keep: request.whitelist,
            reason: reason)
        try await self.broadcast(message)
    }

    func revoke(_ request: APIRequest.Revoke) async throws(APIError) -> RevocationReceipt {
        let decoded = request.invalidation(id: UUID().uuidString.lowercased(), at: Clock.wall)
        if decoded.isClamped { self.sessionMetrics.invalidationsClamped.add() }
        let invalidation = decoded.invalidation
        guard let producer, let topic = self.configuration.kafka.revokeTopic else {
            self.intake.take(invalidation)
            try await self.broadcast(.invalidation(invalidation))
            return RevocationReceipt(id: invalidation.id, isDurable: false)
        }
        do throws(KafkaError) {
            let receipt = try await producer.produce(
                topic: topic, key: Array(Self.key(of: invalidation.target).utf8),
                value: InvalidationEncoder.martlet(invalidation))
            // It comes back to this node too, but there is no reason to wait for it.
            self.intake.take(invalidation)
            let place = receipt.offset.map {
                RevocationReceipt.Place(topic: receipt.topic, partition: receipt.partition, offset: $0)
            }
            return RevocationReceipt(id: invalidation.id, isDurable: true, place: place)
        } catch {
            throw APIError(code: CentrifugeError.internalError.code, message: "not revoked: \(error)")
        }
    }

    func demoToken(user: String, session: String) -> String? {
        guard let issuer = self.demoIssuer else { return nil }
        let now = Int64(Clock.wall)
        return issuer.token(
            for: Identity(
                user: user, session: session, token: UUID().uuidString.lowercased(), issuedAt: now,
                expiresAt: now + 3_600))
    }

    private func broadcast(_ message: ControlMessage) async throws(APIError) {
        let error = await withCheckedContinuation { continuation in
            self.bus.broadcast(message.json) { continuation.resume(returning: $0) }
        }
        if let error { throw APIError(code: CentrifugeError.internalError.code, message: "\(error)") }
    }

    /// Events of one target stay in one partition, and so in order.
    private static func key(of target: Invalidation.Target) -> String {
        switch target {
        case .session(let session): "session:\(session)"
        case .user(let user, _): "user:\(user)"
        case .token(let token): "token:\(token)"
        case .claim(let name, let value, _): "claim:\(name):\(value)"
        }
    }

    var uptime: Double { (ContinuousClock.now - self.startedAt).inSeconds }

    func overview() -> NodeOverview {
        let snapshots = self.snapshot.withLock { $0 }
        let channels = snapshots.reduce(into: [String: Int]()) { $0.merge($1.channels, uniquingKeysWith: +) }
        let top = channels.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(10)
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
            channels: channels.count, subscriptions: snapshots.reduce(0) { $0 + $1.subscriptions },
            topChannels: top.map { NodeOverview.Channel(name: $0.key, subscribers: $0.value) },
            revocations: self.revocations.count, counters: counters,
            revocationLag: NodeOverview.Lag(
                median: self.hubMetrics.revocationLag.quantile(0.5), p99: self.hubMetrics.revocationLag.quantile(0.99)))
    }
}
