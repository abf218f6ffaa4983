// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import Logging
package import MartletCore
package import MartletHub
package import MartletInstruments
import MartletRedis
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// The bus of a cluster: publications and control messages go through Redis' publish and subscribe.
///
/// A node subscribes to the channels that its shards want, and to nothing else. Its own publications come back to it as
/// everybody's do, so that all nodes see the publications of a channel in the order in which Redis took them. All of it
/// happens on one event loop of its own; the faces below only post to it.
package final class RedisBus: Bus, Service {
    private struct Inbox: Sendable {
        var requests: [RedisBusCore.Request] = []
        /// Whether the loop was told that something is here.
        var isAwake = false
        /// Whether the loop has ended, and nothing is taken any more.
        var isClosed = false
    }

    /// For which stopping waits for Redis to forget this node's presence; its lease would end by itself.
    private static let farewell: Duration = .seconds(2)

    private let group: MultiThreadedEventLoopGroup
    private let eventLoop: any EventLoop
    private let names: RedisNames
    private let metrics: RedisBusMetrics
    private let status = RedisBusHealth()
    private let commands: RedisCommandConnection
    private let streams: RedisStreams
    private let presence: RedisPresenceReader
    private let core: NIOLoopBoundBox<RedisBusCore>
    private let inbox = Mutex(Inbox())

    /// - Parameter nodeID: Tells this node from all others of the cluster.
    package init(configuration: RedisBusConfiguration, nodeID: String, metrics: MetricsRegistry, logger: Logger) {
        precondition(RedisBusConfiguration.isValid(prefix: configuration.prefix), "the prefix was checked before")
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = self.group.next()
        let busMetrics = RedisBusMetrics(metrics)
        let names = RedisNames(prefix: configuration.prefix, nodeID: nodeID)
        let status = self.status
        let commands = RedisCommandConnection(
            configuration: configuration.redis, eventLoop: eventLoop, scripts: RedisScripts.all, logger: logger
        ) { error, wasOpen in
            status.set(.commands, error.map { "\($0)" })
            if error == nil { busMetrics.opened(.commands) } else { busMetrics.closed(.commands, wasOpen: wasOpen) }
        }
        self.eventLoop = eventLoop
        self.names = names
        self.metrics = busMetrics
        self.commands = commands
        self.streams = RedisStreams(
            names: names, commands: commands, metrics: busMetrics, readBytesMax: configuration.readBytesMax)
        self.presence = RedisPresenceReader(
            names: names, commands: commands, metrics: busMetrics, readBytesMax: configuration.readBytesMax)
        self.core = NIOLoopBoundBox.makeBoxSendingValue(
            RedisBusCore(
                configuration: configuration, names: names, nodeID: nodeID, commands: commands, eventLoop: eventLoop,
                metrics: busMetrics, status: status, logger: logger),
            eventLoop: eventLoop)
    }

    /// Says whom to deliver to, before anything else happens. The sink is not retained.
    package func attach(_ sink: any BusSink) {
        self.eventLoop.execute { self.core.value.sink = sink }
    }

    package var health: BusHealth { self.status.current }

    /// Where revocations are kept that no other log keeps.
    /// - Parameter retention: For how long an entry is.
    package func revocationLog(retention: Duration) -> RedisRevocationLog {
        RedisRevocationLog(names: self.names, commands: self.commands, status: self.status, retention: retention)
    }

    /// Connects, and stays connected until the services that need it have shut down.
    package func run() async throws {
        self.commands.start()
        self.eventLoop.execute { self.core.value.start() }
        // Cancelled or asked to stop, what follows is the same.
        try? await gracefulShutdown()
        try? await self.eventLoop.flatSubmit { self.core.value.endPresence(within: Self.farewell) }.get()
        self.commands.stop()
        try? await self.eventLoop.submit { self.close() }.get()
        try await self.group.shutdownGracefully()
    }

    package func subscribe(_ channel: String, shard: Int) {
        self.post(.subscribe(self.names.publications(of: channel), shard))
    }

    package func unsubscribe(_ channel: String, shard: Int) {
        self.post(.unsubscribe(self.names.publications(of: channel), shard))
    }

    package func publish(
        _ publication: Publication, _ options: PublishOptions,
        completion: @escaping @Sendable (Result<StreamPosition?, BusError>) -> Void
    ) {
        let history = StreamRules.history(of: publication, options)
        guard history == nil, options.idempotencyKey == nil else {
            return self.streams.publish(publication, history, options, completion: completion)
        }
        self.publish(Envelope.encode(publication), to: self.names.publications(of: publication.channel)) { result in
            completion(result.map { _ in nil })
        }
    }

    package func history(
        _ channel: String, _ query: HistoryQuery,
        completion: @escaping @Sendable (Result<HistoryPage, BusError>) -> Void
    ) {
        self.streams.history(channel, query, completion: completion)
    }

    package func removeHistory(_ channel: String, completion: @escaping @Sendable (BusError?) -> Void) {
        self.streams.removeHistory(channel, completion: completion)
    }

    package func renewStream(
        _ channel: String, from epoch: String, completion: @escaping @Sendable (BusError?) -> Void
    ) {
        self.streams.renew(channel, from: epoch, completion: completion)
    }

    package func enter(_ channel: String, client: String, info: [UInt8]) {
        self.post(.enter(channel, client, PresenceValue.tail(info)))
    }

    package func leave(_ channel: String, client: String) {
        self.post(.leave(channel, client))
    }

    package func presence(
        _ channel: String, completion: @escaping @Sendable (Result<[PresenceEntry], BusError>) -> Void
    ) {
        let isTaken = self.post(.read { [presence] in presence.entries(channel, completion: completion) })
        if !isTaken { completion(.failure(.unavailable)) }
    }

    package func presenceStats(
        _ channel: String, completion: @escaping @Sendable (Result<PresenceStats, BusError>) -> Void
    ) {
        let isTaken = self.post(.read { [presence] in presence.stats(channel, completion: completion) })
        if !isTaken { completion(.failure(.unavailable)) }
    }

    package func send(
        _ message: [UInt8], to node: String, completion: @escaping @Sendable (Result<Bool, BusError>) -> Void
    ) {
        self.publish(message, to: self.names.messages(to: node)) { result in completion(result.map { $0 > 0 }) }
    }

    package func broadcast(_ message: [UInt8], completion: @escaping @Sendable (BusError?) -> Void) {
        self.publish(message, to: self.names.control) { result in
            if case .failure(let error) = result { completion(error) } else { completion(nil) }
        }
    }

    /// Answers how many connections got it.
    private func publish(
        _ bytes: [UInt8], to name: String, _ completion: @escaping @Sendable (Result<Int64, BusError>) -> Void
    ) {
        let metrics = self.metrics
        self.commands.send(["PUBLISH", .text(name), .bytes(bytes)]) { result in
            switch result {
            case .success(let reply):
                metrics.published.add()
                if case .integer(let count) = reply { completion(.success(count)) } else { completion(.success(0)) }
            case .failure(let error):
                let error = BusError(redis: error)
                metrics.failed(error.redisFailure)
                completion(.failure(error))
            }
        }
    }

    /// False where nothing is taken any more.
    @discardableResult
    private func post(_ request: RedisBusCore.Request) -> Bool {
        let (isTaken, mustWake) = self.inbox.withLock { inbox in
            if inbox.isClosed { return (false, false) }
            inbox.requests.append(request)
            defer { inbox.isAwake = true }
            return (true, !inbox.isAwake)
        }
        if mustWake { self.eventLoop.execute { self.handleRequests() } }
        return isTaken
    }

    private func handleRequests() {
        let requests = self.inbox.withLock { inbox in
            defer {
                inbox.requests = []
                inbox.isAwake = false
            }
            return inbox.requests
        }
        for request in requests { self.core.value.handle(request) }
    }

    /// Takes nothing more, and handles what was taken.
    private func close() {
        self.inbox.withLock { $0.isClosed = true }
        self.handleRequests()
        self.core.value.stop()
    }
}
