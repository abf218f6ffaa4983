// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletEdge
import MartletHub
import MartletProtocol
import MartletSessions

/// Why a session is, or is not, let in: what each node would say.
extension NodeRuntime {
    /// Connections, sessions and revocations that one node describes.
    static let describedMax = 100

    func explain(_ request: APIRequest.Explain) async throws(APIError) -> SessionExplanation {
        let outcome = try await self.cluster.ask(.explain, request.json)
        return SessionExplanation(
            subject: request, nodes: outcome.told.map(\.body), unanswered: outcome.unanswered + self.lost(outcome))
    }

    /// What this node knows of it.
    func ownExplanation(of request: APIRequest.Explain) async -> SessionExplanation.Node {
        let selector: ConnectionSelector =
            switch request.subject {
            case .session: .session(request.id)
            case .user: .user(request.id, session: nil)
            case .token: .token(request.id)
            }
        let outcome = await self.hub.perform(.describe(selector))
        var node = SessionExplanation.Node(node: self.identifier, name: self.configuration.nodeName)
        node.connectionCount = outcome.connections.count
        node.connections = zip(outcome.connections, outcome.identities).prefix(Self.describedMax).map(Self.describe)
        var keys: [String] = request.subject == .user ? [] : [request.id]
        let unit = Self.unit(self.configuration.validation)
        for key in outcome.identities.prefix(Self.describedMax).compactMap(unit.key)
        where !keys.contains(key) {
            keys.append(key)
        }
        node.validations = keys.compactMap(self.validation)
        node.revocations = self.targets(of: request, outcome.identities).compactMap(self.revocation)
        node.floor = self.revocations.floor
        (node.verdict, node.because) = Self.judge(node, request, remembered: self.revocations.count)
        return node
    }

    private static func describe(
        _ connection: UserOutcome.Connection, _ identity: Identity
    ) -> SessionExplanation.Connection {
        var described = SessionExplanation.Connection(
            client: connection.client, transport: connection.transport, proto: connection.proto, user: identity.user)
        described.session = identity.session
        described.token = identity.token
        described.issuedAt = identity.issuedAt
        described.expiresAt = identity.expiresAt
        return described
    }

    private func validation(_ key: String) -> SessionExplanation.Validation? {
        guard let standing = self.roster?.standing(of: key) else { return nil }
        return SessionExplanation.Validation(
            session: key, goodFor: standing.goodFor.inSeconds, answer: standing.answer.rawValue,
            nextIn: standing.nextIn?.inSeconds)
    }

    /// What a revocation would have to name: the subject itself, and what else its connections are known by.
    private func targets(of request: APIRequest.Explain, _ identities: [Identity]) -> [Invalidation.Target] {
        var targets: [Invalidation.Target] = []
        func add(_ target: Invalidation.Target) {
            if targets.count < Self.describedMax, !targets.contains(target) { targets.append(target) }
        }
        switch request.subject {
        case .session: add(.session(request.id))
        case .user: add(.user(request.id, before: 0))
        case .token: add(.token(request.id))
        }
        for identity in identities.prefix(Self.describedMax) {
            if let session = identity.session { add(.session(session)) }
            if let token = identity.token { add(.token(token)) }
            if !identity.isAnonymous { add(.user(identity.user, before: 0)) }
            for claim in identity.claims { add(.claim(name: claim.name, value: claim.value, before: 0)) }
        }
        return targets
    }

    private func revocation(_ target: Invalidation.Target) -> SessionExplanation.Revocation? {
        guard let remembered = self.revocations.remembered(target) else { return nil }
        var revocation = SessionExplanation.Revocation(
            target: target.kind, value: target.value, before: remembered.before,
            closeReason: remembered.closeReason.rawValue, secondsLeft: remembered.secondsLeft)
        let entry = self.journal.newest {
            $0.invalidation.target.kind == target.kind && $0.invalidation.target.value == target.value
        }
        revocation.event = entry.map { entry in
            SessionExplanation.Event(
                id: entry.invalidation.id, receipt: entry.position?.description, at: entry.invalidation.at,
                appliedAt: entry.appliedAt, source: entry.invalidation.source.rawValue,
                reason: entry.invalidation.reason)
        }
        return revocation
    }

    private static func text(_ time: Int64) -> String { RFC3339.string(Double(time)) ?? "\(time)" }

    /// Whether a client that shows this now is let in. A revocation of the subject itself decides; one of a user or a
    /// claim decides by when the token was issued.
    ///
    /// What else a client would be known by, only its connections tell: where there is none, and anything at all is
    /// remembered, nobody can say more than that the subject itself is not named.
    /// - Parameter remembered: How many revocations the node remembers in all.
    static func judge(
        _ node: SessionExplanation.Node, _ request: APIRequest.Explain, remembered: Int
    ) -> (SessionExplanation.Verdict, String) {
        if let own = node.revocations.first(where: { $0.target == request.subject.rawValue && $0.value == request.id })
        {
            guard let before = own.before else { return (.refused, "the \(own.target) is revoked") }
            return (.depends, "tokens issued at or before \(Self.text(before)) are revoked, later ones are not")
        }
        if let other = node.revocations.first {
            return (.depends, "the \(other.target) \(other.value) of a connection is revoked")
        }
        if let floor = node.floor {
            return (.depends, "tokens issued at or before \(Self.text(floor)) need a validation")
        }
        if node.connectionCount == 0, remembered > 0 {
            return (.depends, "none of the \(remembered) revocations that are remembered names the " + request.unknown)
        }
        return (.admitted, "no revocation that is remembered names it")
    }
}

extension APIRequest.Explain {
    /// What stays unknown of it while it has no connection.
    fileprivate var unknown: String {
        let others =
            switch self.subject {
            case .session: "user, tokens"
            case .user: "sessions, tokens"
            case .token: "user, session"
            }
        return "\(self.subject.rawValue), but its \(others) and claims are not known here while it has no connection"
    }
}

extension Invalidation.Target {
    fileprivate var kind: String {
        switch self {
        case .session: "session"
        case .user: "user"
        case .token: "token"
        case .claim: "claim"
        }
    }

    fileprivate var value: String {
        switch self {
        case .session(let value), .user(let value, _), .token(let value): value
        case .claim(let name, let value, _): "\(name)=\(value)"
        }
    }
}
