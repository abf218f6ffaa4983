// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import Synchronization

/// A bus whose acknowledgements the test gives.
final class ScriptedBus: Bus {
    private struct State: Sendable {
        weak var sink: (any BusSink)?
        var nodes: [String: WeakSink] = [:]
        var interest: [String: ShardSet] = [:]
        var completions: [@Sendable (Result<StreamPosition?, BusError>) -> Void] = []
        var unsubscribed: [String] = []
    }

    private struct WeakSink: Sendable {
        weak var sink: (any BusSink)?
    }

    private let state = Mutex(State())

    /// Several nodes may share one of these; what is not sent to one of them goes to the last.
    func attach(_ sink: any BusSink, node: String) {
        self.state.withLock { state in
            state.sink = sink
            state.nodes[node] = WeakSink(sink: sink)
        }
    }

    var health: BusHealth { .healthy }
    /// Channels that were asked for and not given up.
    var channels: [String] { self.state.withLock { $0.interest.keys.sorted() } }
    var unsubscribed: [String] { self.state.withLock { $0.unsubscribed } }
    /// Publications that wait for their outcome.
    var waiting: Int { self.state.withLock { $0.completions.count } }

    func subscribe(_ channel: String, shard: Int) {
        self.state.withLock { $0.interest[channel, default: []].insert(shard) }
    }

    func unsubscribe(_ channel: String, shard: Int) {
        self.state.withLock { state in
            state.unsubscribed.append(channel)
            state.interest[channel]?.remove(shard)
            if state.interest[channel]?.isEmpty == true { state.interest[channel] = nil }
        }
    }

    func publish(
        _ publication: Publication, _ options: PublishOptions,
        completion: @escaping @Sendable (Result<StreamPosition?, BusError>) -> Void
    ) {
        self.state.withLock { $0.completions.append(completion) }
    }

    func history(
        _ channel: String, _ query: HistoryQuery,
        completion: @escaping @Sendable (Result<HistoryPage, BusError>) -> Void
    ) {
        completion(.failure(.unavailable))
    }

    func removeHistory(_ channel: String, completion: @escaping @Sendable (BusError?) -> Void) {
        completion(.unavailable)
    }

    func renewStream(
        _ channel: String, from epoch: String, completion: @escaping @Sendable (BusError?) -> Void
    ) {
        completion(.unavailable)
    }

    func enter(_ channel: String, client: String, info: [UInt8]) {}
    func leave(_ channel: String, client: String) {}

    func presence(
        _ channel: String, completion: @escaping @Sendable (Result<[PresenceEntry], BusError>) -> Void
    ) {
        completion(.failure(.unavailable))
    }

    func presenceStats(
        _ channel: String, completion: @escaping @Sendable (Result<PresenceStats, BusError>) -> Void
    ) {
        completion(.failure(.unavailable))
    }

    func send(
        _ message: [UInt8], to node: String, completion: @escaping @Sendable (Result<Bool, BusError>) -> Void
    ) {
        guard node != Self.unreachable else { return completion(.failure(.unavailable)) }
        let sink = self.state.withLock { $0.nodes[node]?.sink }
        sink?.controlReceived(message)
        completion(.success(sink != nil))
    }

    /// A node to which nothing can be sent.
    static let unreachable = "unreachable"

    func broadcast(_ message: [UInt8], completion: @escaping @Sendable (BusError?) -> Void) { completion(nil) }

    /// Acknowledges a channel, or fails it.
    func acknowledge(_ channel: String, error: BusError? = nil) {
        let (sink, shards) = self.state.withLock { ($0.sink, $0.interest[channel] ?? []) }
        sink?.subscribed(channel, shards: shards, error: error)
    }

    func deliver(_ channel: String, _ data: String) {
        let (sink, shards) = self.state.withLock { ($0.sink, $0.interest[channel] ?? []) }
        sink?.deliver(Publication(channel: channel, data: Array(data.utf8)), to: shards)
    }

    /// Gives the publications that wait their outcome.
    func complete(_ error: BusError? = nil) {
        let completions = self.state.withLock { state in
            defer { state.completions = [] }
            return state.completions
        }
        for completion in completions { completion(error.map { .failure($0) } ?? .success(nil)) }
    }
}
