// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletControl
import MartletCore
import MartletPolicy
import MartletProtocol
import Synchronization

/// The nodes as operators see them, and a node's leave from its clients.
extension NodeRuntime {
    // MARK: - Drain

    func drain(_ request: APIRequest.Drain) async throws(APIError) -> DrainStatus {
        var request = request
        let own = self.member
        if !request.node.isEmpty { request.node = try self.resolve(request.node) }
        if request.node.isEmpty || request.node == own.id { return try self.drainHere(request) }
        let outcome = try await self.cluster.ask(.drain, request.json)
        if let told = outcome.told.first(where: { $0.node == request.node }), let status = DrainStatus(told.body.span) {
            return status
        }
        let silent = outcome.unanswered.first { $0.node == request.node }
        throw APIError(
            code: CentrifugeError.internalError.code,
            message: "the node \(request.node) gave no answer\(silent.map { ": \($0.reason)" } ?? "")")
    }

    /// Whatever node the request names.
    func drainHere(_ request: APIRequest.Drain) throws(APIError) -> DrainStatus {
        if !request.look {
            if !request.undo {
                self.departure.begin()
            } else if !self.departure.takeBack() {
                throw .badRequest("the node is about to end, which cannot be taken back")
            }
        }
        let progress = self.departure.progress
        return DrainStatus(
            node: self.identifier, name: self.configuration.nodeName, phase: progress.phase,
            connections: progress.connections, connectionsAtStart: progress.atStart, secondsLeft: progress.secondsLeft)
    }

    /// The id of the one node that is meant.
    private func resolve(_ text: String) throws(APIError) -> String {
        let members = self.members.map(\.member)
        if members.contains(where: { $0.id == text }) { return text }
        let named = members.filter { $0.name == text || $0.address == text }
        let meant = named.isEmpty ? members.filter { $0.id.hasPrefix(text) } : named
        guard let member = meant.first else {
            throw .badRequest("no node is called \(text): GET /api/nodes names them")
        }
        guard meant.count == 1 else {
            let ids = meant.map { String($0.id.prefix(8)) }.joined(separator: ", ")
            throw .badRequest("\(text) is the name of \(meant.count) nodes: say which by its id, one of \(ids)")
        }
        return member.id
    }

    // MARK: - The nodes

    /// Those that are there, this one as it is now: it knows itself even while the bus is away.
    private var members: [Membership.Seen] {
        let now = Clock.monotonic
        let own = self.member
        var members = self.cluster.membership.seen(at: now)
        if let index = members.firstIndex(where: { $0.member.id == own.id }) {
            members[index].member = own
            members[index].last = now
        } else {
            members.append(Membership.Seen(member: own, first: now, last: now))
        }
        return members
    }

    func nodes() -> ClusterOverview {
        let now = Clock.monotonic
        let view = self.cluster.membership.view(at: now)
        let members = self.members
        let nodes = members.map { seen in
            let (member, silence) = (seen.member, Double(now - seen.last) / 1e9)
            return ClusterOverview.Node(
                id: member.id, name: member.name, address: member.address, state: member.state,
                connections: member.connections, capacity: member.capacity,
                utilization: Double(member.connections) / Double(max(1, member.capacity)), version: member.version,
                startedAt: member.startedAt, uptime: member.uptime + max(0, silence), silence: max(0, silence))
        }
        return ClusterOverview(
            node: self.identifier, bus: self.configuration.redis.urls.isEmpty ? "memory" : "redis",
            degraded: self.readiness().degraded, nodes: nodes, lost: max(0, view.recent - view.seen.count),
            namesakes: self.cluster.membership.namesakes(at: now),
            connections: nodes.reduce(0) { $0 + $1.connections }, desiredNodes: self.rebalancer.desiredNodes,
            rebalance: self.rebalancer.lastDecision)
    }
}
