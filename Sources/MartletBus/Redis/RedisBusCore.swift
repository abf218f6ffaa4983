// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletCore
import MartletHub
import MartletInstruments
import MartletProtocol
import MartletRedis
import NIOCore

/// The side of a `RedisBus` that is confined to its event loop: interest, what comes, and whether it comes.
final class RedisBusCore {
    /// What a shard asks; of subscriptions with the name that the channel has in Redis.
    enum Request: Sendable {
        case subscribe(String, Int)
        case unsubscribe(String, Int)
        /// With the channel's own name, its client, and what stands behind the lease in its entry.
        case enter(String, String, [UInt8])
        case leave(String, String)
        /// To be run when what was asked before is on its way to Redis.
        case read(@Sendable () -> Void)
    }

    private static let tick: Duration = .milliseconds(100)

    weak var sink: (any BusSink)?
    private let configuration: RedisBusConfiguration
    private let names: RedisNames
    private let commands: RedisCommandConnection
    private let eventLoop: any EventLoop
    private let metrics: RedisBusMetrics
    private let status: RedisBusHealth
    private let logger: Logger
    private var subscriber: RedisSubscriberConnection?
    private var interest: InterestTable
    private var probe: ProbeStateMachine
    /// Whether all that was subscribed is subscribed on the present connection.
    private var isRestored = false
    /// Whether messages were missed that somebody had been promised.
    private var owesGap = false
    private let presence: RedisPresence
    private let startedAt = Clock.monotonic
    private var timer: Scheduled<Void>?

    init(
        configuration: RedisBusConfiguration, names: RedisNames, nodeID: String, commands: RedisCommandConnection,
        eventLoop: any EventLoop, metrics: RedisBusMetrics, status: RedisBusHealth, logger: Logger
    ) {
        self.presence = RedisPresence(
            configuration: configuration, names: names, nodeID: nodeID, commands: commands, eventLoop: eventLoop,
            metrics: metrics, status: status)
        self.configuration = configuration
        self.names = names
        self.commands = commands
        self.eventLoop = eventLoop
        self.metrics = metrics
        self.status = status
        self.logger = logger
        self.interest = InterestTable(
            linger: Self.ticks(configuration.linger), patience: Self.ticks(configuration.subscribeTimeout))
        self.probe = ProbeStateMachine(
            interval: configuration.probeInterval.nanoseconds, timeout: configuration.probeTimeout.nanoseconds)
    }

    func start() {
        self.eventLoop.assertInEventLoop()
        let subscriber = RedisSubscriberConnection(
            configuration: self.configuration.redis, eventLoop: self.eventLoop, logger: self.logger,
            onEvent: { [unowned self] in self.happened($0) },
            onMessage: { [unowned self] in self.received(channel: $0, payload: $1) })
        self.subscriber = subscriber
        subscriber.subscribe(self.names.control)
        subscriber.subscribe(self.names.probe)
        subscriber.subscribe(self.names.own)
        for name in self.interest.names { subscriber.subscribe(name) }
        subscriber.start()
        self.scheduleTick()
    }

    /// Takes this node's presence out of Redis, as far as that can be done in the time.
    func endPresence(within time: Duration) -> EventLoopFuture<Void> {
        self.eventLoop.assertInEventLoop()
        let promise = self.eventLoop.makePromise(of: Void.self)
        self.presence.end().cascade(to: promise)
        let timer = self.eventLoop.scheduleTask(in: .nanoseconds(time.nanoseconds)) { promise.succeed() }
        promise.futureResult.whenComplete { _ in timer.cancel() }
        return promise.futureResult
    }

    func stop() {
        self.eventLoop.assertInEventLoop()
        self.timer?.cancel()
        self.subscriber?.stop()
        self.sink = nil
    }

    func handle(_ request: Request) {
        switch request {
        case .subscribe(let name, let shard):
            switch self.interest.add(name, shard: shard) {
            case .subscribe: self.subscriber?.subscribe(name)
            case .acknowledge: self.sink?.subscribed(self.names.channel(of: name), shards: [shard], error: nil)
            case .wait: break
            }
        case .unsubscribe(let name, let shard):
            switch self.interest.remove(name, shard: shard) {
            case .unsubscribe: self.subscriber?.unsubscribe(name)
            case .none: break
            }
        case .enter(let channel, let client, let tail):
            self.presence.enter(channel, client, tail)
        case .leave(let channel, let client):
            self.presence.leave(channel, client)
        case .read(let read):
            self.presence.flush()
            read()
        }
        self.metrics.channels.set(self.interest.count)
    }

    // MARK: What comes

    private func received(channel: [UInt8], payload: [UInt8]) {
        guard channel.starts(with: self.names.publicationPrefix) else {
            return self.receivedOther(channel: channel, payload: payload)
        }
        self.metrics.received.add()
        let name = String(decoding: channel, as: UTF8.self)
        let shards = self.interest.shards(of: name)
        guard !shards.isEmpty else { return self.metrics.dropped(.noInterest) }
        guard let publication = self.publication(self.names.channel(of: name), payload) else { return }
        self.sink?.deliver(publication, to: shards)
    }

    private func publication(_ channel: String, _ payload: [UInt8]) -> Publication? {
        if Envelope.isEnvelope(payload) {
            do {
                return try Envelope.decode(payload, channel: channel)
            } catch {
                self.metrics.dropped(error == .malformed ? .malformedEnvelope : .unknownVersion)
                return nil
            }
        }
        guard payload.count <= self.configuration.publicationBytesMax else {
            self.metrics.dropped(.tooLarge)
            return nil
        }
        guard let payload = PublishedPayload(anything: payload, for: self.configuration.payloads(channel)) else {
            self.metrics.dropped(.payload)
            return nil
        }
        return Publication(channel: channel, payload, time: 0)
    }

    private func receivedOther(channel: [UInt8], payload: [UInt8]) {
        let name = String(decoding: channel, as: UTF8.self)
        if name == self.names.control || name == self.names.own {
            self.sink?.controlReceived(payload)
        } else if name == self.names.probe, let number = Int(String(decoding: payload, as: UTF8.self)) {
            guard let nanoseconds = self.probe.received(number, now: Clock.monotonic) else { return }
            self.metrics.probeSeconds.observe(Double(nanoseconds) / 1e9)
        }
    }

    private func happened(_ event: RedisSubscriberEvent) {
        switch event {
        case .opened:
            self.metrics.opened(.subscriber)
            self.interest.connected()
            self.status.set(.subscriber, "subscribing")
        case .restored:
            self.isRestored = true
            self.status.subscribed()
            if self.owesGap { self.sink?.gap(nil) }
            self.owesGap = false
        case .closed(let error, let wasOpen):
            self.isRestored = false
            self.metrics.closed(.subscriber, wasOpen: wasOpen)
            self.status.set(.subscriber, "\(error)")
            guard wasOpen else { break }
            self.owesGap = self.owesGap || self.interest.hasAcknowledged
            for name in self.interest.disconnected() { self.subscriber?.unsubscribe(name) }
        case .subscribed(let name):
            let waiting = self.interest.acknowledged(name)
            if !waiting.isEmpty { self.sink?.subscribed(self.names.channel(of: name), shards: waiting, error: nil) }
        case .unsubscribed(let name):
            self.interest.ended(name)
        }
    }

    // MARK: Time

    private func scheduleTick() {
        self.timer = self.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(Self.tick.nanoseconds)) {
            self.ticked()
            self.scheduleTick()
        }
    }

    private func ticked() {
        let now = Clock.monotonic
        let tick = UInt32(clamping: (now - self.startedAt) / Self.tick.nanoseconds)
        for action in self.interest.advance(to: tick) {
            switch action {
            case .unsubscribe(let name):
                self.subscriber?.unsubscribe(name)
            case .fail(let name, let shards):
                self.sink?.subscribed(self.names.channel(of: name), shards: shards, error: .unavailable)
            }
        }
        self.metrics.channels.set(self.interest.count)
        self.presence.ticked(now: now)
        switch self.probe.ticked(now: now, isReady: self.isRestored) {
        case .publish(let number): self.publishProbe(number)
        case .replace:
            self.metrics.probesLost.add()
            self.subscriber?.replace(.connectionLost("a probe did not come back"))
        case .none: break
        }
    }

    private func publishProbe(_ number: Int) {
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.commands.send(["PUBLISH", .text(self.names.probe), .text(String(number))]) { result in
            let isConfirmed = if case .success = result { true } else { false }
            // The one answer that does not come on the loop's own turn is a refusal, which comes at once, also here.
            bound.value.probe.published(number, confirmed: isConfirmed)
        }
    }

    private static func ticks(_ duration: Duration) -> UInt32 {
        UInt32(clamping: max(1, duration.nanoseconds / Self.tick.nanoseconds))
    }
}
