// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import Synchronization

@testable import MartletNode

/// A bus between clusters of one process, for their small messages alone; it fails where it is told to.
final class SharedBus: Sendable {
    struct State: Sendable {
        var clusters: [String: Cluster] = [:]
        /// Nodes that neither hear nor are heard.
        var cut: Set<String> = []
        /// Nodes to which nothing comes back that they sent to all.
        var deaf: Set<String> = []
        /// Messages that each node has sent, to all and to one.
        var broadcasts: [String: Int] = [:]
        var sent: [String: Int] = [:]
    }

    private let state = Mutex(State())

    func connect(_ cluster: Cluster) { self.state.withLock { $0.clusters[cluster.id] = cluster } }
    func disconnect(_ id: String) { self.state.withLock { $0.clusters[id] = nil } }
    func change(_ body: (inout State) -> Void) { self.state.withLock { body(&$0) } }
    func isCut(_ node: String) -> Bool { self.state.withLock { $0.cut.contains(node) } }
    func broadcasts(of node: String) -> Int { self.state.withLock { $0.broadcasts[node] ?? 0 } }
    func sent(by node: String) -> Int { self.state.withLock { $0.sent[node] ?? 0 } }

    fileprivate func broadcast(_ message: [UInt8], from node: String) -> BusError? {
        let state = self.state.withLock { state in
            state.broadcasts[node, default: 0] += 1
            return state
        }
        if state.cut.contains(node) { return .unavailable }
        for (id, cluster) in state.clusters where !state.cut.contains(id) && !state.deaf.contains(id) {
            Self.hand(message, to: cluster)
        }
        return nil
    }

    fileprivate func send(_ message: [UInt8], from node: String, to id: String) -> Result<Bool, BusError> {
        let state = self.state.withLock { state in
            state.sent[node, default: 0] += 1
            return state
        }
        if state.cut.contains(node) { return .failure(.unavailable) }
        guard let cluster = state.clusters[id], !state.cut.contains(id) else { return .success(false) }
        Self.hand(message, to: cluster)
        return .success(true)
    }

    private static func hand(_ message: [UInt8], to cluster: Cluster) {
        switch ControlMessage(message.span) {
        case .announcement(let member, let isHello): cluster.received(member, isHello: isHello)
        case .goodbye(let id): cluster.receivedGoodbye(of: id)
        case .question(let question): cluster.received(question)
        case .answer(let answer): cluster.received(answer)
        case .invalidation, .appended, nil: break
        }
    }

    /// One node's end of it.
    final class End: Bus {
        private let bus: SharedBus
        private let node: String

        init(_ bus: SharedBus, node: String) {
            self.bus = bus
            self.node = node
        }

        var health: BusHealth { self.bus.isCut(self.node) ? .degraded("cut") : .healthy }

        func broadcast(_ message: [UInt8], completion: @escaping @Sendable (BusError?) -> Void) {
            completion(self.bus.broadcast(message, from: self.node))
        }

        func send(
            _ message: [UInt8], to node: String, completion: @escaping @Sendable (Result<Bool, BusError>) -> Void
        ) {
            completion(self.bus.send(message, from: self.node, to: node))
        }

        func subscribe(_ channel: String, shard: Int) {}
        func unsubscribe(_ channel: String, shard: Int) {}
        func enter(_ channel: String, client: String, info: [UInt8]) {}
        func leave(_ channel: String, client: String) {}

        func publish(
            _ publication: Publication, _ options: PublishOptions,
            completion: @escaping @Sendable (Result<StreamPosition?, BusError>) -> Void
        ) { completion(.failure(.unavailable)) }

        func history(
            _ channel: String, _ query: HistoryQuery,
            completion: @escaping @Sendable (Result<HistoryPage, BusError>) -> Void
        ) { completion(.failure(.unavailable)) }

        func removeHistory(_ channel: String, completion: @escaping @Sendable (BusError?) -> Void) {
            completion(.unavailable)
        }

        func renewStream(
            _ channel: String, from epoch: String, completion: @escaping @Sendable (BusError?) -> Void
        ) { completion(.unavailable) }

        func presence(
            _ channel: String, completion: @escaping @Sendable (Result<[PresenceEntry], BusError>) -> Void
        ) { completion(.failure(.unavailable)) }

        func presenceStats(
            _ channel: String, completion: @escaping @Sendable (Result<PresenceStats, BusError>) -> Void
        ) { completion(.failure(.unavailable)) }
    }
}
