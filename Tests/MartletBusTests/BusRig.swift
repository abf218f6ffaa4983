// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletBus
import MartletCore
import MartletHub
import MartletInstruments
import MartletRedis
import Synchronization
import TestSupport

/// A `RedisBus` that runs, its sink and its metrics.
final class BusRig: Sendable {
    let bus: RedisBus
    let sink = RecordingSink()
    let metrics = MetricsRegistry()
    private let task: Task<Void, any Error>

    static func configuration(_ server: RedisServer) throws -> RedisBusConfiguration {
        try self.configuration(url: server.url)
    }

    static func configuration(url: String) throws -> RedisBusConfiguration {
        var redis = RedisConfiguration(url: try RedisURL(url))
        redis.backoffBase = .milliseconds(20)
        redis.backoffCeiling = .milliseconds(100)
        redis.connectTimeout = .milliseconds(500)
        redis.commandTimeout = .seconds(10)
        redis.keepAliveInterval = .seconds(1)
        redis.keepAliveTimeout = .seconds(10)
        var configuration = RedisBusConfiguration(redis: redis)
        configuration.prefix = "test"
        configuration.linger = .milliseconds(300)
        configuration.subscribeTimeout = .seconds(10)
        configuration.probeInterval = .milliseconds(200)
        configuration.probeTimeout = .seconds(10)
        return configuration
    }

    init(_ configuration: RedisBusConfiguration, node: String = "node-1") {
        let bus = RedisBus(
            configuration: configuration, nodeID: node, metrics: self.metrics, logger: Logger(label: node))
        self.bus = bus
        bus.attach(self.sink)
        self.task = Task { try await bus.run() }
    }

    var isHealthy: Bool { self.bus.health == .healthy }

    /// Subscribes and waits for the answer.
    func subscribe(_ channel: String, shard: Int = 0) async -> Bool {
        self.bus.subscribe(channel, shard: shard)
        return await eventually {
            self.sink.answers.contains { $0.channel == channel && $0.shards.contains(shard) && $0.error == nil }
        }
    }

    func publish(_ text: String, _ channel: String) async -> BusError? {
        await withCheckedContinuation { continuation in
            self.bus.publish(Publication(channel: channel, data: Array(text.utf8))) {
                continuation.resume(returning: $0)
            }
        }
    }

    func broadcast(_ text: String) async -> BusError? {
        await withCheckedContinuation { continuation in
            self.bus.broadcast(Array(text.utf8)) { continuation.resume(returning: $0) }
        }
    }

    /// The value of a metric as it is exposed.
    func metric(_ name: String) -> Int {
        let line = self.metrics.exposition().split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return Int(line?.split(separator: " ").last ?? "") ?? -1
    }

    func stop() async throws {
        self.task.cancel()
        try await self.task.value
    }
}
