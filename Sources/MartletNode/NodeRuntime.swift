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
import MartletProtocol
import MartletProxy
import MartletReactor
import MartletRedis
import MartletSessions
import ServiceLifecycle
import Synchronization

/// The parts of a node, made from its configuration and connected to each other. The only place that knows all.
final class NodeRuntime: Sendable {
    let configuration: NodeConfiguration
    let logger: Logger
    let metrics = MetricsRegistry()
    let life = NodeLife()
    let startedAt = ContinuousClock.now
    let identifier = UUID().uuidString.lowercased()
    let clients = ClientIdentifier()
    let hub: Hub
    let hubMetrics: HubMetrics
    let bus: any Bus
    let cluster: Cluster
    let edge: EdgeShared
    let sessionMetrics: SessionMetrics
    let revocations: RevocationTable
    let verifier: TokenVerifier
    let roster: SessionRoster?
    let validation: ValidationService?

    let intake: InvalidationIntake
    let journal = RevocationJournal()
    let revoker: Revoker
    /// Reads revocations from Redis where no Kafka keeps them.
    let feed: RevocationFeed?
    let departure: NodeDrain
    let rebalancer: Rebalancer
    let consumer: KafkaConsumer?
    let producer: KafkaProducer?
    let events: EventSources
    let receiverMetrics: ReceiverMetrics
    let demoSecret: String?
    let demoIssuer: TokenIssuer?
    let apiKeys: APIKeys
    /// The configuration with what was taken over since.
    let live: Mutex<NodeConfiguration>
    /// The namespaces in force, which every publication of the API asks.
    let namespaces: LiveNamespaces
    let snapshot = Mutex<[ShardSnapshot]>([])
    /// How far the topics had been read when the first clients were let in, by topic and partition.
    let replayedTo = Mutex<[String: [Int64]]>([:])
    private let reactors: [Reactor]
    private let mailboxes: [Mailbox<ShardMessage>]
    private let redisBus: RedisBus?
    private let proxy: BackendProxy?

    var reactorShared: ReactorShared? { self.reactors.first?.shared }

    init(_ configuration: NodeConfiguration, logger: Logger) throws {
        self.configuration = configuration
        self.live = Mutex(configuration)
        let namespaces = LiveNamespaces(configuration.namespaceTable)
        self.namespaces = namespaces
        self.apiKeys = APIKeys(configuration.api.keys)
        self.logger = logger
        let metrics = self.metrics
        let reactors = try Self.reactors(configuration)
        let mailboxes = reactors.map { reactor in
            Mailbox<ShardMessage>(dataMax: configuration.limits.mailboxMax) { reactor.wake() }
        }
        self.reactors = reactors
        self.mailboxes = mailboxes
        self.hubMetrics = HubMetrics(metrics)
        self.sessionMetrics = SessionMetrics(metrics)

        // The hub's handler is known only once what it hands to exists.
        let control = ControlReceiver()
        self.hub = Hub(mailboxes: mailboxes, metrics: self.hubMetrics) { control.receive($0) }
        let (bus, redisBus) = try Self.bus(configuration, self.identifier, namespaces, metrics, logger)
        self.bus = bus
        self.redisBus = redisBus
        self.cluster = Cluster(
            id: self.identifier, bus: bus, timing: Self.clusterTiming(configuration), metrics: metrics, logger: logger)

        let demoSecret = configuration.isDevelopment ? Self.ephemeralSecret() : nil
        self.demoSecret = demoSecret
        self.demoIssuer = demoSecret.map { TokenIssuer(secret: $0) }
        let verifier = try TokenVerifier(
            Self.verifierConfiguration(configuration, demoSecret), metrics: self.sessionMetrics, logger: logger)
        self.verifier = verifier
        self.revocations = RevocationTable(
            max: configuration.limits.revocationsMax, tokenLifetimeMax: configuration.sessions.tokenLifetimeMax,
            leeway: configuration.auth.leeway, metrics: self.sessionMetrics)
        self.producer = try Self.producer(configuration, metrics, logger)
        self.events = try EventSources(configuration, verifier.keys, self.sessionMetrics, logger)
        self.receiverMetrics = ReceiverMetrics(metrics, for: self.events.receivers.keys)
        self.intake = InvalidationIntake(
            revocations: self.revocations, hub: self.hub, journal: self.journal, metrics: self.sessionMetrics,
            missedPush: MissedPush(grace: configuration.validation.missedPushGrace), topics: self.events.topics,
            deadLetters: Self.deadLetters(configuration, self.producer, self.cluster, metrics, logger), logger: logger)
        self.consumer = try Self.consumer(configuration, self.intake, metrics, logger)
        let log = Self.log(configuration, self.producer, redisBus)
        self.revoker = Revoker(log: log, intake: self.intake, bus: bus, logger: logger)
        self.feed = Self.feed(log, self.intake, self.revocations, metrics, logger)
        (self.roster, self.validation) = try Self.validation(
            configuration, self.revocations, self.intake.missedPush, self.hub, self.revoker, self.sessionMetrics,
            logger, isPushHealthy: Self.isPushHealthy(self.consumer, self.feed))
        let admission = Self.admissionConfiguration(configuration)
        for concern in configuration.concerns { logger.warning("\(concern)") }
        self.proxy = Self.proxy(configuration, metrics, logger)
        self.edge = EdgeShared(
            configuration: Self.edgeConfiguration(configuration), verifier: verifier, revocations: self.revocations,
            roster: self.roster, validation: self.validation, metrics: EdgeMetrics(metrics), clients: self.clients,
            emulation: Self.relay(self.identifier, self.hub, bus, self.cluster.membership, metrics),
            capacity: admission.connectionsMax,
            admission: Admission(admission, now: Clock.monotonic), proxy: self.proxy,
            fetchKeys: Self.keyFetcher(verifier, self.hub))
        self.departure = NodeDrain(
            configuration.drain, hub: self.hub, shared: self.edge, life: self.life, logger: logger)
        self.rebalancer = Rebalancer(
            configuration, cluster: self.cluster, hub: self.hub, metrics: metrics, logger: logger)
        control.attach(self)
        self.cluster.attach(self)
        if let memory = bus as? MemoryBus { memory.attach(self.hub) }
        redisBus?.attach(self.hub)
        self.registerReaders()
        self.registerLife()
    }

    /// In the order of their start; they end in the reverse order, so that clients are served to the last.
    var services: [any Service] {
        var services: [any Service] = [
            ControlServer(configuration: self.controlConfiguration, operations: self, logger: self.logger)
        ]
        if let settings = self.receiverConfiguration {
            services.append(ControlServer(configuration: settings, operations: self, logger: self.logger))
        }
        if let redisBus { services.append(redisBus) }
        services.append(ClosureService { [cluster] in await cluster.run() })
        services.append(ClosureService { [rebalancer] in await rebalancer.run() })
        if let producer { services.append(ClosureService { await producer.run() }) }
        if let consumer { services.append(ClosureService { [self] in await self.consume(consumer) }) }
        if let feed { services.append(ClosureService { await feed.run() }) }
        services.append(ClosureService { [revoker] in await revoker.run() })
        services.append(ClosureService { [verifier] in try await verifier.run() })
        for ring in self.events.rings.values { services.append(ClosureService { try await ring.run() }) }
        services.append(ClosureService.every(RevocationTable.expireInterval) { [revocations] in revocations.expire() })
        services.append(
            ClosureService.every(.seconds(1)) { [self] in
                let taken = await self.hub.snapshots()
                self.snapshot.withLock { $0 = taken }
            })
        if let validation { services.append(validation) }
        if let proxy { services.append(ClosureService { try await proxy.run() }) }
        services.append(ClosureService { [self] in await self.becomeReady() })
        services.append(
            EdgeService(
                configuration: self.configuration, reactors: self.reactors, mailboxes: self.mailboxes, hub: self.hub,
                hubMetrics: self.hubMetrics, bus: self.bus, shared: self.edge, life: self.life,
                drain: self.departure, logger: self.logger))
        return services
    }

    private func becomeReady() async {
        while !self.life.advance() {
            guard (try? await Task.sleep(for: .milliseconds(20))) != nil else { return }
        }
        if let consumer { self.replayedTo.withLock { $0 = consumer.positions } }
        self.intake.open()
        self.edge.setAdmission(.ready)
        self.logger.info("ready")
        if self.configuration.isDevelopment {
            let console = "http://\(self.configuration.listen.internalAddress)/"
            self.logger.info(
                "development mode: on this machine alone, nobody needs a token",
                metadata: ["console": "\(console)", "demo": "\(console)demo/"])
        }
        // Held until the group ends: a service that returns ends the others.
        try? await Task.sleep(for: .seconds(.max / 2))
    }

    /// A control message of a node, this one's own among them.
    func received(_ message: [UInt8]) {
        if self.edge.emulation.received(message) { return }
        switch ControlMessage(message.span) {
        case .invalidation(let invalidation): self.intake.take(invalidation)
        case .announcement(let member, let isHello): self.cluster.received(member, isHello: isHello)
        case .goodbye(let id): self.cluster.receivedGoodbye(of: id)
        case .question(let question): self.cluster.received(question)
        case .answer(let answer): self.cluster.received(answer)
        case .appended: self.feed?.wake()
        case nil: self.logger.debug("a control message was not understood")
        }
    }
}
