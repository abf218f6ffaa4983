// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletKafka
import MartletProtocol
import MartletSessions
import Synchronization

/// Receipts: which nodes applied a revocation, asked of all of them, stored by none.
extension NodeRuntime {
    /// How long the nodes' answers are waited for.
    static let receiptTime: Duration = .seconds(1)

    func status(of request: APIRequest.Revocations) async throws(APIError) -> RevocationStatus {
        let outcome = try await self.cluster.ask(
            APIMethod.revocations.rawValue, request.json, within: Self.receiptTime)
        var status = RevocationStatus(id: request.id, nodes: [])
        for answer in outcome.answers {
            guard case .done(let told) = answer.outcome, var node = RevocationStatus.Node(told.body.span) else {
                let reason = "an answer that cannot be read"
                status.nodes.append(.init(node: answer.node, name: answer.name, state: .unknown, reason: reason))
                continue
            }
            (node.node, node.name) = (answer.node, answer.name)
            status.nodes.append(node)
        }
        status.nodes += (outcome.unanswered + self.lost(outcome)).map {
            .init(node: $0.node, name: $0.name, state: .unknown, reason: $0.reason)
        }
        return status
    }

    /// Nodes that fell silent a while ago, and that are not asked any more though they may be there.
    func lost(_ outcome: SurveyOutcome) -> [NodeReach.Unanswered] {
        let now = Clock.monotonic
        let heard = Set(outcome.answers.map(\.node) + outcome.unanswered.map(\.node))
        return self.cluster.membership.lost(at: now).filter { !heard.contains($0.member.id) }.map { seen in
            NodeReach.Unanswered(
                node: seen.member.id, name: seen.member.name,
                reason: "not heard of for \((now - seen.last) / 1_000_000_000) s")
        }
    }

    /// What this node knows of it.
    func ownStatus(of request: APIRequest.Revocations) -> RevocationStatus.Node {
        var status = RevocationStatus.Node(
            node: self.identifier, name: self.configuration.nodeName, state: .unseen)
        let position = request.position
        let entry = self.journal.newest {
            if let position { $0.position == position } else { $0.invalidation.id == request.id }
        }
        if let entry {
            status.state = entry.isReplay ? .replayed : entry.tally.isComplete ? .applied : .pending
            status.appliedAt = entry.appliedAt
            status.closes = .init(queued: entry.tally.queued, done: entry.tally.done)
            return status
        }
        guard let position else { return status }
        switch self.progress(of: position) {
        case .replayed: status.state = .replayed
        // So many newer ones came that the journal has lost it: it may be among those that still wait.
        case .applied: status.state = self.hub.backlog >= RevocationJournal.eventsMax ? .pending : .applied
        case .pending: status.state = .pending
        case .foreign: status.state = .unseen
        }
        return status
    }

    private func progress(of position: EventPosition) -> EventProgress {
        switch position {
        case .redis(let id): return self.feed?.progress(of: id) ?? .foreign
        case .kafka(let topic, let partition, let offset):
            guard let consumer, self.configuration.kafka.topics.contains(where: { $0.name == topic }) else {
                return .foreign
            }
            guard let next = consumer.position(topic: topic, partition: partition), offset < next else {
                return .pending
            }
            let replayed = self.replayedTo.withLock { $0[topic] } ?? []
            let isReplay = replayed.indices.contains(Int(partition)) && offset < replayed[Int(partition)]
            return isReplay ? .replayed : .applied
        }
    }
}
