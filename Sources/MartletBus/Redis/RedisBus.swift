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
    }

    private let group: MultiThreadedEventLoopGroup
    private let eventLoop: any EventLoop
    private let names: RedisNames
    private let metrics: RedisBusMetrics
    private let status = RedisBusHealth()
    private let commands: RedisCommandConnection
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
        let commands = RedisCommandConnection(configuration: configuration.redis, eventLoop: eventLoop, logger: logger)
        {
            error, wasOpen in
            status.set(.commands, error.map { "\($0)" })
            if error == nil { busMetrics.opened(.commands) } else { busMetrics.closed(.commands, wasOpen: wasOpen) }
        }
        self.eventLoop = eventLoop
        self.names = names
        self.metrics = busMetrics
        self.commands = commands
        self.core = NIOLoopBoundBox.makeBoxSendingValue(
            RedisBusCore(
                configuration: configuration, names: names, commands: commands, eventLoop: eventLoop,
                metrics: busMetrics, status: status, logger: logger),
            eventLoop: eventLoop)
    }

    /// Says whom to deliver to, before anything else happens. The sink is not retained.
    package func attach(_ sink: any BusSink) {
        self.eventLoop.execute { self.core.value.sink = sink }
    }

    package var health: BusHealth { self.status.current }

    /// Connects, and stays connected until the services that need it have shut down.
    package func run() async throws {
        self.commands.start()
        self.eventLoop.execute { self.core.value.start() }
        // Cancelled or asked to stop, what follows is the same.
        try? await gracefulShutdown()
        self.commands.stop()
        try? await self.eventLoop.submit { self.core.value.stop() }.get()
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
        self.publish(Envelope.encode(publication), to: self.names.publications(of: publication.channel)) { error in
            completion(error.map { .failure($0) } ?? .success(nil))
        }
    }

    package func history(
        _ channel: String, _ query: HistoryQuery,
        completion: @escaping @Sendable (Result<HistoryPage, BusError>) -> Void
    ) {
        completion(.failure(.unavailable))
    }

    package func removeHistory(_ channel: String, completion: @escaping @Sendable (BusError?) -> Void) {
        completion(.unavailable)
    }

    package func renewStream(
        _ channel: String, from epoch: String, completion: @escaping @Sendable (BusError?) -> Void
    ) {
        completion(.unavailable)
    }

    package func enter(_ channel: String, client: String, info: [UInt8]) {}
    package func leave(_ channel: String, client: String) {}

    package func presence(
        _ channel: String, completion: @escaping @Sendable (Result<[PresenceEntry], BusError>) -> Void
    ) {
        completion(.failure(.unavailable))
    }

    package func presenceStats(
        _ channel: String, completion: @escaping @Sendable (Result<PresenceStats, BusError>) -> Void
    ) {
        completion(.failure(.unavailable))
    }

    package func send(
        _ message: [UInt8], to node: String, completion: @escaping @Sendable (Result<Bool, BusError>) -> Void
    ) {
        completion(.failure(.unavailable))
    }

    package func broadcast(_ message: [UInt8], completion: @escaping @Sendable (BusError?) -> Void) {
        self.publish(message, to: self.names.control, completion)
    }

    private func publish(_ bytes: [UInt8], to name: String, _ completion: @escaping @Sendable (BusError?) -> Void) {
        let metrics = self.metrics
        self.commands.send(["PUBLISH", .text(name), .bytes(bytes)]) { result in
            switch result {
            case .success:
                metrics.published.add()
                completion(nil)
            case .failure(let error):
                let (failure, error) = Self.failure(error)
                metrics.failed(failure)
                completion(error)
            }
        }
    }

    private func post(_ request: RedisBusCore.Request) {
        let mustWake = self.inbox.withLock { inbox in
            inbox.requests.append(request)
            defer { inbox.isAwake = true }
            return !inbox.isAwake
        }
        guard mustWake else { return }
        self.eventLoop.execute {
            let requests = self.inbox.withLock { inbox in
                defer { inbox = Inbox() }
                return inbox.requests
            }
            for request in requests { self.core.value.handle(request) }
        }
    }

    private static func failure(_ error: RedisError) -> (RedisBusMetrics.PublishFailure, BusError) {
        switch error {
        case .unavailable, .stopped: (.unavailable, .unavailable)
        case .overloaded: (.overloaded, .overloaded)
        case .timedOut, .connectionLost, .violation: (.unconfirmed, .unconfirmed)
        case .refused(let text): (.refused, .refused(text))
        }
    }
}
