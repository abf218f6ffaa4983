// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletControl
import MartletCore
import MartletEdge
import MartletHub
import MartletInstruments
import MartletPolicy
import MartletProtocol

/// What the API asks of all nodes, and each does for itself.
extension NodeRuntime: ClusterDelegate {
    /// Channels that one node names in one answer: what a message over the bus can bear.
    static let channelsMax = 50_000
    /// Connections that one node describes in one answer.
    static let connectionsMax = 10_000

    var member: ClusterMember {
        ClusterMember(
            id: self.identifier, name: self.configuration.nodeName, version: Version.current,
            startedAt: Clock.wall - self.uptime, uptime: self.uptime, address: self.configuration.nodeAddress,
            connections: self.edge.metrics.open.current, capacity: self.edge.capacity,
            state: self.readiness().state.rawValue, isRefusing: self.edge.isRefusing(within: MemberMemory.refusingTime))
    }

    // MARK: - Asking

    func askAll(_ command: APICommand) async throws(APIError) -> APIResult {
        switch command {
        case .subscribe(let request):
            _ = try self.namespace(of: request.channel)
            return .reached(try await self.cluster.ask(.subscribe, request.json).reach)
        case .unsubscribe(let request):
            _ = try self.namespace(of: request.channel)
            return .reached(try await self.cluster.ask(.unsubscribe, request.json).reach)
        case .disconnect(let request):
            return .reached(try await self.cluster.ask(.disconnect, request.json).reach)
        case .refresh(let request):
            if let expiresAt = request.expiresAt, Double(expiresAt) <= Clock.wall, !request.isExpired {
                throw .badRequest("expire_at is not in the future")
            }
            return .reached(try await self.cluster.ask(.refresh, request.json).reach)
        case .connections(let request):
            let outcome = try await self.cluster.ask(.connections, request.json)
            let connections = outcome.told.flatMap { node, body in
                NodeAnswer.connections(body.span, user: request.selection.user, node: node)
            }
            return .connections(connections.sorted { $0.client < $1.client }, outcome.reach)
        case .channels(let request):
            let outcome = try await self.cluster.ask(.channels, request.json)
            let channels = outcome.told.reduce(into: [String: Int]()) { sum, told in
                sum.merge(NodeAnswer.channels(told.body.span), uniquingKeysWith: +)
            }
            return .channels(channels, outcome.reach)
        case .info:
            let outcome = try await self.cluster.ask(.info, Array("{}".utf8))
            return .info(outcome.told.compactMap { NodeAnswer.info($0.body.span) }, outcome.reach)
        case .publish, .broadcast, .presence, .presenceStats, .history, .historyRemove, .rpc, .revoke, .drain,
            .revocations, .explain:
            throw APIError(.methodNotFound)
        }
    }

    // MARK: - Answering

    func answer(_ method: String, _ body: [UInt8]) async throws(APIError) -> NodeAnswer {
        guard let method = APIMethod(rawValue: method) else { throw APIError(.methodNotFound) }
        switch try APICommand(method, body) {
        case .subscribe(let request):
            var subscription = UserCommand.Subscription(channel: request.channel, overrides: request.overrides)
            subscription.info = request.info
            subscription.data = request.data
            subscription.since = request.since
            subscription.expiresAt = request.expiresAt
            return await self.count(request.selection) { .subscribe($0, subscription) }
        case .unsubscribe(let request):
            return await self.count(request.selection) { .unsubscribe($0, channel: request.channel) }
        case .disconnect(let request):
            return await self.count(request.selection, keep: request.keep) { .disconnect($0, request.notice) }
        case .refresh(let request):
            return await self.count(request.selection) {
                .refresh($0, expired: request.isExpired, expiresAt: request.expiresAt, info: request.info)
            }
        case .connections(let request):
            let outcome = await self.perform(request.selection) { .describe($0) }
            return try Self.bounded(outcome.connections.count, Self.connectionsMax, "connections") {
                NodeAnswer.connections(outcome.connections)
            }
        case .channels(let request):
            let channels = await self.channels(request.pattern)
            return try Self.bounded(channels.count, Self.channelsMax, "channels that match") {
                NodeAnswer.channels(channels)
            }
        case .info: return NodeAnswer.info(await self.info)
        case .drain(let request):
            // Asked of all, meant for one.
            guard request.node == self.identifier else { return NodeAnswer() }
            return NodeAnswer(count: 1, body: try self.drainHere(request).json)
        case .revocations(let request):
            var writer = JSONWriter()
            self.ownStatus(of: request).write(to: &writer)
            return NodeAnswer(count: 1, body: writer.bytes)
        case .explain(let request):
            return NodeAnswer(count: 1, body: await self.ownExplanation(of: request).json)
        case .publish, .broadcast, .presence, .presenceStats, .history, .historyRemove, .rpc, .revoke:
            throw APIError(.methodNotFound)
        }
    }

    private static func bounded(
        _ count: Int, _ max: Int, _ what: String, _ answer: () -> NodeAnswer
    ) throws(APIError) -> NodeAnswer {
        guard count <= max else {
            throw APIError(code: CentrifugeError.limitExceeded.code, message: "more than \(max) \(what)")
        }
        return answer()
    }

    private func count(
        _ selection: APIRequest.Selection, keep: [String] = [], _ command: (ConnectionSelector) -> UserCommand
    ) async -> NodeAnswer {
        NodeAnswer(count: await self.perform(selection, keep: keep, command).count)
    }

    private func perform(
        _ selection: APIRequest.Selection, keep: [String] = [], _ command: (ConnectionSelector) -> UserCommand
    ) async -> UserOutcome {
        guard let client = selection.client else {
            let kept = Set(keep.compactMap(self.clients.connection))
            return await self.hub.perform(command(.user(selection.user, session: selection.session, keep: kept)))
        }
        guard !keep.contains(client), let id = self.clients.connection(client) else { return UserOutcome() }
        if let session = selection.session {
            let ofSession = await self.hub.perform(.describe(.user(selection.user, session: session)))
            guard ofSession.connections.contains(where: { $0.client == client }) else { return UserOutcome() }
        }
        return await self.hub.perform(command(.connection(id, user: selection.user)))
    }

    private func channels(_ pattern: GlobPattern?) async -> [String: Int] {
        await self.hub.channels { pattern?.matches($0) ?? true }
    }

    private var info: NodeInfo {
        get async {
            let snapshots = await self.hub.snapshots(namesUsers: true)
            let channels = await self.hub.channels()
            let users = snapshots.reduce(into: Set<String>()) { $0.formUnion($1.users) }
            return NodeInfo(
                uid: self.identifier, name: self.configuration.nodeName, version: Version.current,
                clients: self.edge.metrics.open.current, users: users.count, channels: channels.count,
                subscriptions: snapshots.reduce(0) { $0 + $1.subscriptions }, uptime: Int(self.uptime),
                capacity: self.edge.capacity, state: self.readiness().state.rawValue)
        }
    }
}
