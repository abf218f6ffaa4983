// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore
package import MartletHub
package import MartletInstruments
import Synchronization

/// The bus of a node that is alone: what is published goes straight to the shards that want it.
///
/// All shards must see the publications of a channel in one order, and a shard must see its acknowledgement before
/// what is published after it, whichever threads publish and subscribe at once. So what is to happen is put in one
/// line under the lock, with its shards decided there, and one thread at a time, the first that found nobody doing
/// so, carries it out with the lock released. The others only put theirs in line and return: nobody waits for the
/// sink, and a sink that publishes again from within cannot deadlock. The thread that carries out stays until the line
/// is empty; that ends, because posting to a mailbox is less work than making what is posted.
///
/// Streams and presence are under the same lock, so that a publication has its position and its place in line at once.
package final class MemoryBus: Bus {
    private enum Step: Sendable {
        case deliver(Publication, ShardSet, @Sendable () -> Void)
        case acknowledge(String, Int)
        /// Behind what was published before, so that whoever reads has been delivered what the answer holds.
        case answer(@Sendable () -> Void)
        case control([UInt8], @Sendable () -> Void)
    }

    private struct State: Sendable {
        weak var sink: (any BusSink)?
        var interest: [String: ShardSet] = [:]
        var line: [Step] = []
        var isBusy = false
        var streams: MemoryStreams
        var idempotency: IdempotencyTable
        var presence = MemoryPresence()
    }

    private let nodeID: String
    private let state: Mutex<State>
    private let published: Counter
    private let unwanted: Counter
    private let streams: Gauge
    private let streamBytes: Gauge
    private let evictions: Counter

    package init(nodeID: String = "", limits: Limits = Limits(), metrics: MetricsRegistry) {
        self.nodeID = nodeID
        self.state = Mutex(
            State(
                streams: MemoryStreams(
                    streamsMax: limits.historyStreamsMax, bytesMax: limits.historyBytesMax, now: Clock.monotonic),
                idempotency: IdempotencyTable(
                    countMax: limits.idempotencyKeysMax, window: StreamRules.idempotencyWindow.nanoseconds)))
        self.published = metrics.counter("martlet_bus_published_total", "Publications that the memory bus took.")
        self.unwanted = metrics.counter(
            "martlet_bus_dropped_total", "Publications that the memory bus dropped.",
            labels: [("reason", "no_interest")])
        self.streams = metrics.gauge("martlet_bus_streams", "Channels whose stream the memory bus keeps.")
        self.streamBytes = metrics.gauge("martlet_bus_stream_bytes", "What the memory bus' streams take.")
        self.evictions = metrics.counter(
            "martlet_bus_stream_evictions_total", "Streams that the memory bus forgot for want of room.")
    }

    /// Says whom to deliver to, before anything else happens. The sink is not retained.
    package func attach(_ sink: any BusSink) {
        self.state.withLock { $0.sink = sink }
    }

    package var health: BusHealth { .healthy }

    package func subscribe(_ channel: String, shard: Int) {
        self.carryOut { state in
            state.interest[channel, default: []].insert(shard)
            state.line.append(.acknowledge(channel, shard))
        }
    }

    package func unsubscribe(_ channel: String, shard: Int) {
        self.state.withLock { state in
            guard var shards = state.interest[channel] else { return }
            shards.remove(shard)
            state.interest[channel] = shards.isEmpty ? nil : shards
        }
    }

    package func publish(
        _ publication: Publication, _ options: PublishOptions,
        completion: @escaping @Sendable (Result<StreamPosition?, BusError>) -> Void
    ) {
        self.published.add()
        let now = Clock.monotonic
        self.carryOut { state in
            let key = options.idempotencyKey
            if let key, let first = state.idempotency.result(publication.channel, key, now: now) {
                return state.line.append(.answer { completion(.success(first)) })
            }
            var publication = publication
            var position: StreamPosition?
            var isNew = true
            if let history = StreamRules.history(of: publication, options) {
                let taken = state.streams.append(publication, history, options, now: now)
                position = taken.position
                if let next = taken.publication { publication = next } else { isNew = false }
                self.count(&state.streams)
            }
            if let key { state.idempotency.record(publication.channel, key, position, now: now) }
            let answer: @Sendable () -> Void = { [position] in completion(.success(position)) }
            let shards = state.interest[publication.channel] ?? []
            state.line.append(isNew ? .deliver(publication, shards, answer) : .answer(answer))
        }
    }

    package func broadcast(_ message: [UInt8], completion: @escaping @Sendable (BusError?) -> Void) {
        self.carryOut { $0.line.append(.control(message) { completion(nil) }) }
    }

    package func history(
        _ channel: String, _ query: HistoryQuery,
        completion: @escaping @Sendable (Result<HistoryPage, BusError>) -> Void
    ) {
        let now = Clock.monotonic
        self.carryOut { state in
            let page = state.streams.page(channel, query, now: now)
            self.count(&state.streams)
            state.line.append(.answer { completion(.success(page)) })
        }
    }

    package func removeHistory(_ channel: String, completion: @escaping @Sendable (BusError?) -> Void) {
        self.carryOut { state in
            state.streams.removePublications(channel)
            state.line.append(.answer { completion(nil) })
        }
    }

    package func renewStream(
        _ channel: String, from epoch: String, completion: @escaping @Sendable (BusError?) -> Void
    ) {
        self.carryOut { state in
            state.streams.renew(channel, from: epoch)
            state.line.append(.answer { completion(nil) })
        }
    }

    package func enter(_ channel: String, client: String, info: [UInt8]) {
        self.state.withLock { $0.presence.enter(channel, client: client, info: info) }
    }

    package func leave(_ channel: String, client: String) {
        self.state.withLock { $0.presence.leave(channel, client: client) }
    }

    package func presence(
        _ channel: String, completion: @escaping @Sendable (Result<[PresenceEntry], BusError>) -> Void
    ) {
        let entries = self.state.withLock { $0.presence.entries(channel) }
        completion(.success(entries))
    }

    package func presenceStats(
        _ channel: String, completion: @escaping @Sendable (Result<PresenceStats, BusError>) -> Void
    ) {
        let stats = self.state.withLock { $0.presence.stats(channel) }
        completion(.success(stats))
    }

    package func send(
        _ message: [UInt8], to node: String, completion: @escaping @Sendable (Result<Bool, BusError>) -> Void
    ) {
        guard node == self.nodeID else { return completion(.success(false)) }
        self.carryOut { $0.line.append(.control(message) { completion(.success(true)) }) }
    }

    private func count(_ streams: inout MemoryStreams) {
        self.streams.set(streams.count)
        self.streamBytes.set(streams.bytes)
        let evictions = streams.takeEvictions()
        if evictions > 0 { self.evictions.add(evictions) }
    }

    private func carryOut(_ change: (inout State) -> Void) {
        let mustWork = self.state.withLock { state in
            change(&state)
            defer { state.isBusy = true }
            return !state.isBusy
        }
        if mustWork { self.work() }
    }

    private func work() {
        var batch: [Step] = []
        while true {
            batch.removeAll(keepingCapacity: true)
            let sink = self.state.withLock { state in
                swap(&state.line, &batch)
                if batch.isEmpty { state.isBusy = false }
                return state.sink
            }
            if batch.isEmpty { return }
            for step in batch { self.carryOut(step, sink) }
        }
    }

    private func carryOut(_ step: Step, _ sink: (any BusSink)?) {
        switch step {
        case .deliver(let publication, let shards, let completion):
            if shards.isEmpty { self.unwanted.add() } else { sink?.deliver(publication, to: shards) }
            completion()
        case .acknowledge(let channel, let shard):
            sink?.subscribed(channel, shards: [shard], error: nil)
        case .control(let message, let completion):
            sink?.controlReceived(message)
            completion()
        case .answer(let completion):
            completion()
        }
    }
}
