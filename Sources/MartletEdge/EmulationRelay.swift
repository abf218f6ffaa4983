// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
package import MartletHub
package import MartletInstruments
import MartletProtocol

/// Brings commands to the node and shard that hold their client's connection, where they came by another way.
///
/// Any node takes them, so that a balancer needs no sticky sessions. What one node takes reaches the connection in the
/// order in which it was taken, by this node's own shards as well as over the bus, whose messages to a node keep their
/// order. Nothing orders requests that different nodes take: clients that must have theirs in order await an answer
/// before they send the next.
package final class EmulationRelay: Sendable {
    /// What becomes of a request.
    enum Outcome {
        /// It was for a connection of this node, and was handed to it if there is one.
        case delivered
        /// There is no such node.
        case unknown
        /// It was sent to another node; whether that is there will be told.
        case sent
    }

    /// The first byte of what goes to another node; a control message begins with a brace.
    private static let mark: UInt8 = 1
    private static let nodeBytesMax = 64

    /// What other nodes know this one by.
    package let node: String
    private let secrets = SessionSecrets()
    private let hub: Hub
    private let bus: any Bus
    private let knows: @Sendable (_ node: String) -> Bool
    private let counters: [String: Counter]

    /// - Parameter knows: Whether there is a node of this name. Strangers can ask, so nothing is sent to any other.
    package init(
        node: String, hub: Hub, bus: any Bus, metrics: MetricsRegistry,
        knows: @escaping @Sendable (_ node: String) -> Bool = { _ in true }
    ) {
        self.node = node
        self.hub = hub
        self.bus = bus
        self.knows = knows
        self.counters = Dictionary(
            uniqueKeysWithValues: ["local", "relayed", "unknown_node", "wrong_session", "failed"].map {
                (
                    $0,
                    metrics.counter(
                        "martlet_emulation_requests_total",
                        "Requests that brought commands of clients who cannot write on their connections, by outcome.",
                        labels: [("outcome", $0)])
                )
            })
    }

    func session(of id: ConnectionID) -> String { self.secrets.text(of: id) }

    /// Whether a request is one that some node could have asked for.
    func isPlausible(_ request: EmulationRequest) -> Bool {
        SessionSecrets.isPlausible(request.session) && !request.node.isEmpty
            && request.node.utf8.count <= Self.nodeBytesMax
            && request.node.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// - Parameter answer: Called once on any thread, where the outcome is `.sent`: whether the node is there.
    func take(
        _ request: EmulationRequest, answer: @escaping @Sendable (Result<Bool, BusError>) -> Void
    ) -> Outcome {
        guard request.node != self.node else {
            if self.deliver(request.session, request.data) { self.count("local") }
            return .delivered
        }
        guard self.knows(request.node) else {
            self.count("unknown_node")
            return .unknown
        }
        let message = [Self.mark] + Array(request.session.utf8) + request.data
        self.bus.send(message, to: request.node) { result in
            switch result {
            case .success(let isThere): self.count(isThere ? "relayed" : "unknown_node")
            case .failure: self.count("failed")
            }
            answer(result)
        }
        return .sent
    }

    /// What another node took for this one; false where a message is none of this kind.
    package func received(_ message: [UInt8]) -> Bool {
        guard message.first == Self.mark else { return false }
        let session = message.dropFirst().prefix(SessionSecrets.digits)
        _ = self.deliver(
            String(decoding: session, as: UTF8.self), Array(message.dropFirst(1 + SessionSecrets.digits)))
        return true
    }

    /// Who does not know the secret is not told so.
    private func deliver(_ session: String, _ commands: [UInt8]) -> Bool {
        guard let id = self.secrets.connection(session) else {
            self.count("wrong_session")
            return false
        }
        return self.hub.emulate(id, commands)
    }

    private func count(_ outcome: String) { self.counters[outcome]?.add() }
}
