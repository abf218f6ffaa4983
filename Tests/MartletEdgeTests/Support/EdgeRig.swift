// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import MartletBus
import MartletCore
import MartletHub
import MartletInstruments
import MartletPolicy
import MartletProxy
import MartletReactor
import MartletSessions
import Synchronization
import TestSupport
import Testing

@testable import MartletEdge

/// An edge on a free loopback port: real reactors, shards, tokens and revocations, and a bus of the test's choice.
final class EdgeRig {
    /// What a test may have otherwise.
    struct Options {
        var shards = 1
        var edge = EdgeConfiguration()
        var admission = AdmissionConfiguration(connectionsMax: 10_000, retryAfter: .seconds(5))
        var verifier = TokenVerifierConfiguration()
        var bus: ScriptedBus?
        var mode = Admission.Mode.ready
        var enqueuesPerTurnMax = Shard.enqueuesPerTurnMax
        var node = "node-a"
        var fetchKeys: @Sendable () -> Void = {}
        var proxy: ProxyConfiguration?
        /// The authority over sessions, if there is one.
        var validator: (any SessionValidator)?
        var validation = ValidationConfiguration()

        init() {
            self.verifier.hmacSecrets = [EdgeRig.secret]
            self.verifier.claims = ["org"]
            self.edge.version = "test"
            self.edge.origins = ["https://page.example"]
            self.edge.namespaces = NamespaceTable([
                NamespaceOptions(name: "room", subscribe: .authenticated, publish: .subscribers),
                NamespaceOptions(name: "open", subscribe: .anonymous, publish: .anonymous),
                NamespaceOptions(name: "secret"),
            ])
        }
    }

    static let secret = "a secret of the tests, 32 bytes or more"

    let metrics = MetricsRegistry()
    let issuer = TokenIssuer(secret: EdgeRig.secret)
    let port: UInt16
    let hub: Hub
    let hubMetrics: HubMetrics
    let bus: any Bus
    let verifier: TokenVerifier
    let revocations: RevocationTable
    let roster: SessionRoster
    let isPushHealthy = Box(true)
    let shared: EdgeShared
    let reactorShared = ReactorShared()
    private let reactors: [Reactor]
    private var shards: [Shard] = []
    private var edges: [EdgeShard] = []
    private let asking: Task<Void, any Error>?
    private let validating: Task<Void, any Error>?

    final class Box: Sendable {
        private let value: Atomic<Bool>

        init(_ value: Bool) { self.value = Atomic(value) }
        func load() -> Bool { self.value.load(ordering: .relaxed) }
        func store(_ value: Bool) { self.value.store(value, ordering: .relaxed) }
    }

    init(_ options: Options) throws {
        let loopback = SocketAddress(PeerAddress(v4: 0x7F00_0001))
        let listener = try Listener.bind(loopback, shards: options.shards)
        let (shared, limits) = (self.reactorShared, options.edge.limits)
        let reactors = try (0..<options.shards).map { index in
            var settings = ReactorConfiguration(shard: UInt8(index), listeners: [listener])
            settings.slotCapacity = 16_384
            settings.inputBytesMax = limits.inputBytesMax
            settings.pendingBytesMax = limits.pendingBytesMax
            return try Reactor(configuration: settings, shared: shared)
        }
        let mailboxes = reactors.map { reactor in
            Mailbox<ShardMessage>(dataMax: limits.mailboxMax) { reactor.wake() }
        }
        self.port = listener.address.port
        self.reactors = reactors
        self.hubMetrics = HubMetrics(self.metrics)
        // The hub's handler is known only once what it hands to exists.
        let inbox = ControlInbox()
        self.hub = Hub(mailboxes: mailboxes, metrics: self.hubMetrics) { inbox.receive($0) }
        if let bus = options.bus {
            bus.attach(self.hub, node: options.node)
            self.bus = bus
        } else {
            let memory = MemoryBus(metrics: self.metrics)
            memory.attach(self.hub)
            self.bus = memory
        }
        let relay = EmulationRelay(node: options.node, hub: self.hub, bus: self.bus, metrics: self.metrics)
        inbox.attach(relay)
        let sessions = SessionMetrics(self.metrics)
        self.verifier = try TokenVerifier(options.verifier, metrics: sessions, logger: Logger(label: "test"))
        self.revocations = RevocationTable(max: 100_000, tokenLifetimeMax: .seconds(86_400), metrics: sessions)
        let roster = SessionRoster(options.validation, metrics: sessions)
        self.roster = roster
        let (hub, revocations, isPushHealthy) = (self.hub, self.revocations, self.isPushHealthy)
        let validation = options.validator.map { validator in
            ValidationService(
                options.validation, validator: validator, roster: roster, revocations: revocations,
                missedPush: MissedPush(grace: .seconds(5)), isPushHealthy: { isPushHealthy.load() },
                handlers: .init(
                    onInvalid: { invalidation in
                        _ = revocations.insert(invalidation, receivedAt: Clock.wall)
                        hub.tellAll(.invalidate(invalidation))
                    }, onStale: { hub.tellAll(.closeStale($0, .session)) }),
                metrics: sessions, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
        self.validating = validation.map { validation in Task { try await validation.run() } }
        let metrics = self.metrics
        let proxy = options.proxy.map {
            BackendProxy($0, metrics: metrics, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
        self.asking = proxy.map { proxy in Task { try await proxy.run() } }
        self.shared = EdgeShared(
            configuration: options.edge, verifier: self.verifier, revocations: self.revocations, roster: self.roster,
            validation: validation, metrics: EdgeMetrics(self.metrics), clients: ClientIdentifier(), emulation: relay,
            capacity: options.admission.connectionsMax, admission: Admission(options.admission, now: Clock.monotonic),
            proxy: proxy, fetchKeys: options.fetchKeys)
        self.shared.setAdmission(options.mode)
        for (index, reactor) in reactors.enumerated() {
            let shard = Shard(
                index: index, reactor: reactor, mailbox: mailboxes[index], bus: self.bus, limits: limits,
                metrics: self.hubMetrics, enqueuesPerTurnMax: options.enqueuesPerTurnMax)
            let edge = EdgeShard(shared: self.shared, shard: shard)
            shard.edge = edge
            reactor.delegate = edge
            self.shards.append(shard)
            self.edges.append(edge)
        }
        for reactor in reactors { try reactor.start() }
    }

    deinit { self.stop() }

    func stop() {
        for reactor in self.reactors { reactor.stop() }
        for shard in self.shards { shard.stop() }
        self.asking?.cancel()
        self.validating?.cancel()
    }

    /// Runs a test against a rig; afterwards, when all clients have gone, nothing may be left of them.
    static func run(_ change: (inout Options) -> Void = { _ in }, _ body: (EdgeRig) throws -> Void) throws {
        let rig = try Self.make(change)
        try body(rig)
        rig.expectEmpty()
    }

    static func run(
        _ change: (inout Options) -> Void = { _ in }, _ body: (EdgeRig) async throws -> Void
    ) async throws {
        let rig = try Self.make(change)
        try await body(rig)
        rig.expectEmpty()
    }

    private static func make(_ change: (inout Options) -> Void) throws -> EdgeRig {
        var options = Options()
        change(&options)
        return try EdgeRig(options)
    }

    // MARK: - Books

    var open: Int { self.shared.metrics.open.current }

    /// What is counted comes back to zero, and what is kept is given back.
    func expectEmpty(_ location: SourceLocation = #_sourceLocation) {
        // One after the other, on the shards' threads.
        _ = Self.eventually {
            self.reactorShared.openConnections.current == 0 && self.open == 0 && self.shared.placesTaken == 0
                && self.shared.metrics.openByProtocol.allSatisfy { $0.open == 0 }
                && self.hubMetrics.subscriptions.current == 0 && self.hubMetrics.channels.current == 0
                && self.reactorShared.pendingBytes.current == 0
        }
        #expect(
            self.reactorShared.openConnections.current == 0 && self.open == 0,
            "\(self.reactorShared.openConnections.current) sockets, \(self.open) open", sourceLocation: location)
        #expect(self.shared.metrics.openByProtocol.allSatisfy { $0.open == 0 }, "by protocol", sourceLocation: location)
        #expect(self.hubMetrics.subscriptions.current == 0, "subscriptions", sourceLocation: location)
        #expect(self.hubMetrics.channels.current == 0, "channels", sourceLocation: location)
        #expect(self.shared.placesTaken == 0, "places", sourceLocation: location)
        #expect(self.reactorShared.pendingBytes.current == 0, "pending bytes", sourceLocation: location)
        self.stop()
        #expect(self.edges.allSatisfy { $0.extras.isEmpty }, "extras", sourceLocation: location)
        #expect(self.edges.allSatisfy { $0.addresses.isEmpty }, "addresses", sourceLocation: location)
        #expect(self.reactors.allSatisfy { $0.liveFrameCount == 0 }, "frames", sourceLocation: location)
    }

    /// What a counter or gauge shows.
    func metric(_ name: String) -> Int? {
        let line = self.metrics.exposition().split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return line.flatMap { Int($0.dropFirst(name.count + 1)) }
    }

    /// Connections that have extras, counted on their shards' threads.
    func extrasCount() async -> Int {
        // unsafe: looked at on the shard's own thread only.
        nonisolated(unsafe) let edges = self.edges
        var count = 0
        for (index, shard) in self.shards.enumerated() {
            count += await withCheckedContinuation { continuation in
                shard.mailbox.post(
                    control: .snapshot(namesUsers: false) { _ in
                        continuation.resume(returning: unsafe edges[index].extras.count)
                    })
            }
        }
        return count
    }

    /// Whether a condition comes to hold; blocks, because the clients do.
    static func eventually(within seconds: Double = 30, _ condition: () -> Bool) -> Bool {
        let end = ContinuousClock.now + .seconds(seconds)
        while !condition() {
            if ContinuousClock.now > end { return false }
            usleep(2_000)
        }
        return true
    }

    // MARK: - Tokens and messages

    func token(
        _ user: String, session: String? = nil, id: String? = nil, age: Int64 = 10, expiresIn: Int64? = 3_600,
        claims: [Identity.Claim] = [], channels: [String] = [], info: String? = nil
    ) -> String {
        let now = Int64(Clock.wall)
        return self.issuer.token(
            for: Identity(
                user: user, session: session, token: id, issuedAt: now - age, expiresAt: expiresIn.map { now + $0 },
                claims: claims, channels: channels, info: info.map { Array($0.utf8) }))
    }

    func publish(_ channel: String, _ data: String) {
        self.bus.publish(Publication(channel: channel, data: Array(data.utf8), time: Clock.wall), PublishOptions()) {
            _ in
        }
    }

    /// As whatever receives invalidations does it: first remembered, then told.
    func invalidate(_ target: Invalidation.Target, source: Invalidation.Source = .api) {
        let invalidation = Invalidation(id: "i", target: target, at: Clock.wall, source: source)
        _ = self.revocations.insert(invalidation, receivedAt: Clock.wall)
        self.hub.tellAll(.invalidate(invalidation))
    }
}
