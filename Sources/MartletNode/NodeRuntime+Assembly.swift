// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import MartletBus
import MartletControl
import MartletCore
import MartletEdge
import MartletHub
import MartletInstruments
import MartletKafka
import MartletPolicy
import MartletProxy
import MartletReactor
import MartletRedis
import MartletSessions
import Synchronization

/// From the configuration's names to each part's own.
extension NodeRuntime {
    static func reactors(_ configuration: NodeConfiguration) throws -> [Reactor] {
        _ = DescriptorLimit.raise()
        let threads = configuration.reactor.threads ?? max(1, ProcessInfo.processInfo.activeProcessorCount)
        let count = min(threads, ShardSet.shardsMax)
        let listener = try Listener.bind(SocketAddress(configuration.listen.publicAddress), shards: count)
        let shared = ReactorShared()
        return try (0..<count).map { index in
            var settings = ReactorConfiguration(shard: UInt8(index), listeners: [listener])
            settings.inputBytesMax = configuration.limits.inputBytesMax
            settings.pendingBytesMax = configuration.limits.pendingBytesMax
            settings.pendingBytesTotalMax = configuration.limits.pendingBytesTotalMax
            return try Reactor(configuration: settings, shared: shared)
        }
    }

    static func bus(
        _ configuration: NodeConfiguration, _ identifier: String, _ namespaces: LiveNamespaces,
        _ metrics: MetricsRegistry, _ logger: Logger
    ) throws -> (any Bus, RedisBus?) {
        guard let text = configuration.redis.urls.first else {
            return (MemoryBus(nodeID: identifier, limits: configuration.limits, metrics: metrics), nil)
        }
        var settings = RedisBusConfiguration(redis: RedisConfiguration(url: try RedisURL(text)))
        settings.prefix = configuration.redis.prefix
        settings.publicationBytesMax = configuration.limits.publicationBytesMax
        settings.payloads = { namespaces.options(of: $0)?.data ?? .json }
        settings.readBytesMax = configuration.streamReadBytesMax
        settings.presence = configuration.presence
        let bus = RedisBus(configuration: settings, nodeID: identifier, metrics: metrics, logger: logger)
        return (bus, bus)
    }

    static func clusterTiming(_ configuration: NodeConfiguration) -> Cluster.Timing {
        var timing = Cluster.Timing()
        // Nobody else can be there.
        if configuration.redis.urls.isEmpty { timing.settleTime = .zero }
        return timing
    }

    static func consumer(
        _ configuration: NodeConfiguration, _ intake: InvalidationIntake, _ metrics: MetricsRegistry, _ logger: Logger
    ) throws -> KafkaConsumer? {
        guard configuration.kafka.isConfigured else { return nil }
        return try KafkaConsumer(
            configuration: Self.kafkaConfiguration(configuration), delegate: intake, metrics: metrics, logger: logger)
    }

    static func producer(
        _ configuration: NodeConfiguration, _ metrics: MetricsRegistry, _ logger: Logger
    ) throws -> KafkaProducer? {
        guard configuration.kafka.isConfigured else { return nil }
        return try KafkaProducer(
            configuration: Self.kafkaConfiguration(configuration), metrics: metrics, logger: logger)
    }

    private static func kafkaConfiguration(_ configuration: NodeConfiguration) -> KafkaConfiguration {
        var settings = KafkaConfiguration(
            brokers: configuration.kafka.brokers, topics: configuration.kafka.topics.map(\.name))
        settings.start = configuration.kafka.start == .earliest ? .earliest : .timestamp
        // A token issued just before the oldest event that matters may live this long, on a clock that is off.
        settings.lookback = configuration.sessions.tokenLifetimeMax + .seconds(300)
        settings.clientID = "martlet-\(configuration.nodeName)"
        settings.security = configuration.kafka.security
        settings.properties = configuration.kafka.properties
        settings.silenceMax = configuration.kafka.silenceMax
        settings.lagMax = Int64(configuration.kafka.lagMax)
        return settings
    }

    /// What keeps revocations for nodes that start later: Kafka where it takes them, else Redis where there is one.
    static func log(
        _ configuration: NodeConfiguration, _ producer: KafkaProducer?, _ redis: RedisBus?
    ) -> Revoker.Log {
        if let producer, let topic = configuration.kafka.revokeTopic { return .kafka(producer, topic: topic) }
        // As long as a token may live that was issued just before, by a clock that is off.
        let retention = configuration.sessions.tokenLifetimeMax + configuration.auth.leeway + .seconds(300)
        return redis.map { .redis($0.revocationLog(retention: retention)) } ?? .none
    }

    static func feed(
        _ log: Revoker.Log, _ intake: InvalidationIntake, _ revocations: RevocationTable, _ metrics: MetricsRegistry,
        _ logger: Logger
    ) -> RevocationFeed? {
        guard case .redis(let stream) = log else { return nil }
        return RevocationFeed(
            log: stream, intake: intake, revocations: revocations, metrics: metrics, logger: logger)
    }

    static func verifierConfiguration(
        _ configuration: NodeConfiguration, _ demoSecret: String?
    ) -> TokenVerifierConfiguration {
        var settings = TokenVerifierConfiguration()
        settings.hmacSecrets = [configuration.auth.hmacSecret, demoSecret].compactMap { $0 }
        settings.publicKeys = configuration.auth.publicKeys
        settings.jwksURL = configuration.auth.jwksURL
        settings.jwksInterval = configuration.auth.jwksRefresh
        settings.issuer = configuration.auth.issuer
        settings.audiences = [configuration.auth.audience].compactMap { $0 }
        settings.leeway = configuration.auth.leeway
        settings.claims = configuration.sessions.indexedClaims
        settings.unboundedTokens = configuration.unboundedTokens
        settings.tokenLifetimeMax = configuration.sessions.tokenLifetimeMax
        settings.keepsTokens = configuration.validation.kind == .introspection
        return settings
    }

    static func relay(
        _ node: String, _ hub: Hub, _ bus: any Bus, _ membership: Membership, _ metrics: MetricsRegistry
    ) -> EmulationRelay {
        EmulationRelay(node: node, hub: hub, bus: bus, metrics: metrics, knows: { membership.knows($0) })
    }

    static func proxy(
        _ configuration: NodeConfiguration, _ metrics: MetricsRegistry, _ logger: Logger
    ) -> BackendProxy? {
        guard configuration.proxy.isConfigured else { return nil }
        return BackendProxy(configuration.proxyConfiguration, metrics: metrics, logger: logger)
    }

    static func edgeConfiguration(_ configuration: NodeConfiguration) -> EdgeConfiguration {
        var settings = EdgeConfiguration()
        settings.limits = configuration.limits
        settings.isDevelopment = configuration.isDevelopment
        settings.allowsAnonymous = configuration.admitsAnonymous
        settings.origins = configuration.listen.origins
        settings.trustedProxies = configuration.listen.trustedProxies
        settings.requiresProxyProtocol = configuration.listen.proxyProtocol == .required
        settings.eventsChunked = configuration.events.chunked
        settings.transports = configuration.transports
        settings.tokenCookie = configuration.auth.cookie
        settings.namespaces = configuration.namespaceTable
        settings.eventRetryMilliseconds = Int(configuration.events.retry.inSeconds * 1_000)
        settings.eventPaddingBytes = configuration.events.padding
        settings.proxyHeaders = configuration.proxy.headers.map { $0.lowercased() }
        settings.proxyPatience = configuration.proxy.patience
        settings.indexedClaims = configuration.sessions.indexedClaims
        let personal = configuration.personalChannels
        settings.personalChannels = personal.enabled ? personal.namespace ?? "" : nil
        settings.version = "martlet \(Version.current)"
        return settings
    }

    static func admissionConfiguration(_ configuration: NodeConfiguration) -> AdmissionConfiguration {
        AdmissionConfiguration(
            connectionsMax: ConnectionCapacity.here(configuration).connectionsMax,
            connectsPerSecond: configuration.limits.connectsPerSecond,
            slowStart: SlowStart(
                fraction: configuration.slowStart.fraction, duration: configuration.slowStart.duration),
            connectionsPerAddressMax: configuration.limits.connectionsPerAddressMax,
            connectionsPerUserMax: configuration.limits.connectionsPerUserMax,
            trustedProxies: configuration.listen.trustedProxies)
    }

    /// Fetches keys once however many connections ask meanwhile, then tells every shard.
    static func keyFetcher(_ verifier: TokenVerifier, _ hub: Hub) -> @Sendable () -> Void {
        let fetching = FetchFlag()
        return {
            guard fetching.begin() else { return }
            // Unstructured, because a shard's thread asks and cannot wait; bounded by the fetch's own time-out.
            Task {
                await verifier.refreshKeys()
                fetching.end()
                hub.tellAll(.keysRefreshed)
            }
        }
    }

    static func ephemeralSecret() -> String {
        (0..<4).map { _ in String(UInt64.random(in: .min ... .max), radix: 16) }.joined()
    }

    var controlConfiguration: ControlConfiguration {
        var settings = ControlConfiguration()
        settings.host = self.configuration.listen.internalAddress.host
        settings.port = Int(self.configuration.listen.internalAddress.port)
        settings.apiKeys = self.apiKeys
        settings.apiEnabled = self.configuration.api.enabled
        settings.consoleEnabled = self.configuration.consoleEnabled
        settings.demoEnabled = self.configuration.demoEnabled
        settings.developmentMode = self.configuration.isDevelopment
        settings.publicAddress = "\(self.configuration.listen.publicAddress)"
        settings.version = Version.current
        settings.receivers = self.receivers
        return settings
    }

    func registerLife() {
        let (bus, redis) = (self.bus, !self.configuration.redis.urls.isEmpty)
        if redis { self.life.require(.starting, "waiting for redis") { bus.health == .healthy } }
        if let consumer = self.consumer { self.registerTopics(consumer) }
        if let feed = self.feed {
            self.life.require(.catchingUp, "reading the revocations in redis") { feed.isCaughtUp }
            self.life.watch { feed.isCaughtUp ? feed.concern : nil }
        }
        self.life.watch { if case .degraded(let why) = bus.health { why } else { nil } }
        let edge = self.edge
        self.life.watchCapacity { edge.isFull }
        self.life.register(self.metrics)
    }

    func registerReaders() {
        let (metrics, edge) = (self.metrics, self.edge)
        ProcessMetrics.register(metrics)
        metrics.reader("martlet_connections_capacity", .gauge, "Connections that this node takes.") {
            Double(edge.capacity)
        }
        metrics.reader("martlet_connections_utilization_ratio", .gauge, "Open connections over the capacity.") {
            Double(edge.metrics.open.current) / Double(max(1, edge.capacity))
        }
        if let feed = self.feed, self.consumer == nil {
            metrics.reader("martlet_push_healthy", .gauge, "Whether events that end sessions reach this node.") {
                feed.concern == nil ? 1 : 0
            }
        }
        self.registerReactorReaders()
    }
}
