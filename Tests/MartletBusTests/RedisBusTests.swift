// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletBus
import MartletCore
import MartletHub
import MartletRedis
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(2)))
struct RedisBusTests {
    @Test func exchangesPublicationsAndControlMessages() async throws {
        let server = try await RedisServer()
        let first = BusRig(try BusRig.configuration(server), node: "1")
        let second = BusRig(try BusRig.configuration(server), node: "2")
        #expect(await eventually { first.isHealthy && second.isHealthy })
        #expect(await first.subscribe("room:1", shard: 0))
        #expect(await first.subscribe("room:1", shard: 5))
        #expect(await second.subscribe("room:1", shard: 2))
        let publication = Publication(
            channel: "room:1", data: Array("{}".utf8), info: Array(#"{"user":"u"}"#.utf8), time: 1_700_000_000.5)
        let error: BusError? = await withCheckedContinuation { continuation in
            second.bus.publish(publication) { continuation.resume(returning: $0) }
        }
        #expect(error == nil)
        #expect(await eventually { first.sink.deliveries.count == 1 && second.sink.deliveries.count == 1 })
        #expect(first.sink.deliveries.first?.publication == publication)
        #expect(first.sink.deliveries.first?.shards == [0, 5])
        #expect(second.sink.deliveries.first?.shards == [2])
        #expect(await first.publish("1", "nobody:wants") == nil)
        #expect(await first.broadcast("hello") == nil)
        #expect(await eventually { first.sink.controls.count == 1 && second.sink.controls.count == 1 })
        #expect(second.sink.controls == [Array("hello".utf8)])
        #expect(first.sink.gaps.isEmpty)
        #expect(first.metric("martlet_redis_connected{connection=\"subscriber\"}") == 1)
        #expect(await eventually { first.metric("martlet_redis_probe_seconds_count") > 0 })
        try await first.stop()
        try await second.stop()
    }

    @Test func takesWhatOtherServicesPublish() async throws {
        let server = try await RedisServer()
        var configuration = try BusRig.configuration(server)
        configuration.publicationBytesMax = 1_000
        let rig = BusRig(configuration)
        #expect(await rig.subscribe("a"))
        for payload in ["{\"x\": 1}", "plain text", "{\n\"y\":2}", "", String(repeating: "x", count: 1_001), "last"] {
            _ = try await server.cli(["PUBLISH", "test.a", payload])
        }
        #expect(await eventually { rig.sink.texts("a").last == "\"last\"" })
        #expect(rig.sink.texts("a") == ["{\"x\": 1}", "\"plain text\"", "{\"y\":2}", "\"\"", "\"last\""])
        #expect(rig.sink.deliveries.allSatisfy { $0.publication.time == 0 && $0.publication.info == nil })
        #expect(rig.metric("martlet_redis_dropped_total{reason=\"too_large\"}") == 1)
        let bad: [[UInt8]] = [
            [0], [0, 1], [0, 1, 0], [0, 9, 0, 0, 0, 0], [0, 1, 1] + Array(repeating: 0xFF, count: 12), [0xFF, 0xFE],
            [0, 1, 0] + Array(repeating: 0, count: 8),
        ]
        for payload in bad { _ = try await server.cli(["-x", "PUBLISH", "test.a"], input: payload) }
        let names = ["malformed_envelope", "unknown_version", "payload"]
        #expect(
            await eventually {
                names.map { rig.metric("martlet_redis_dropped_total{reason=\"\($0)\"}") }.reduce(0, +) == bad.count
            })
        #expect(names.map { rig.metric("martlet_redis_dropped_total{reason=\"\($0)\"}") } == [5, 1, 1])
        #expect(rig.sink.deliveries.count == 5)
        #expect(rig.isHealthy)
        try await rig.stop()
    }

    @Test func takesAnyBytesWhereTheChannelIsOneOfBytes() async throws {
        let server = try await RedisServer()
        var configuration = try BusRig.configuration(server)
        configuration.payloads = { $0.hasPrefix("raw:") ? .binary : .json }
        let rig = BusRig(configuration)
        for channel in ["raw:a", "room:a"] { #expect(await rig.subscribe(channel)) }
        for channel in ["raw:a", "room:a"] {
            _ = try await server.cli(["EVAL", "return redis.call('publish', 'test.\(channel)', '\\255\\000x')", "0"])
        }
        #expect(await eventually { rig.metric("martlet_redis_dropped_total{reason=\"payload\"}") == 1 })
        #expect(await eventually { rig.sink.deliveries.count == 1 })
        let publication = try #require(rig.sink.deliveries.first?.publication)
        #expect(publication.data == [0xFF, 0x00, UInt8(ascii: "x")] && publication.isBinary)
        try await rig.stop()
    }

    @Test func keepsTheOrderOfEachChannel() async throws {
        let server = try await RedisServer()
        let publisher = BusRig(try BusRig.configuration(server), node: "publisher")
        let rig = BusRig(try BusRig.configuration(server), node: "subscriber")
        for channel in 0..<10 { #expect(await rig.subscribe("c\(channel)")) }
        #expect(await eventually { publisher.isHealthy })
        for index in 0..<2_000 {
            for channel in 0..<10 {
                publisher.bus.publish(Publication(channel: "c\(channel)", data: Array("\(index)".utf8))) { _ in }
            }
        }
        #expect(await eventually(within: .seconds(30)) { rig.sink.deliveries.count == 20_000 })
        for channel in 0..<10 {
            let isInOrder = rig.sink.texts("c\(channel)") == (0..<2_000).map(String.init)
            #expect(isInOrder, "channel \(channel)")
        }
        try await publisher.stop()
        try await rig.stop()
    }

    @Test func unsubscribesAfterALinger() async throws {
        let server = try await RedisServer()
        var configuration = try BusRig.configuration(server)
        configuration.linger = .seconds(5)
        let rig = BusRig(configuration)
        #expect(await rig.subscribe("a"))
        rig.bus.unsubscribe("a", shard: 0)
        try await Task.sleep(for: .milliseconds(100))
        #expect(try await server.cli(["PUBSUB", "NUMSUB", "test.a"]).contains("1"))
        #expect(await rig.publish("1", "a") == nil)
        #expect(await eventually { rig.metric("martlet_redis_dropped_total{reason=\"no_interest\"}") == 1 })
        #expect(try await eventually { try await !server.cli(["PUBSUB", "NUMSUB", "test.a"]).contains("1") })
        #expect(await eventually { rig.metric("martlet_redis_channels") == 0 })
        #expect(rig.sink.deliveries.isEmpty)
        try await rig.stop()
    }

    @Test func survivesThatRedisIsKilled() async throws {
        let server = try await RedisServer()
        var configuration = try BusRig.configuration(server)
        configuration.subscribeTimeout = .seconds(5)
        let rig = BusRig(configuration)
        for channel in 0..<200 { rig.bus.subscribe("c\(channel)", shard: channel % 4) }
        #expect(await eventually { rig.sink.answers.count == 200 })
        server.kill()
        #expect(await eventually { !rig.isHealthy })
        guard case .degraded(let text) = rig.bus.health else { throw TestSupportError("it is healthy") }
        #expect(text.hasPrefix("redis: "))
        // Each connection notices by itself.
        #expect(await eventually { await rig.publish("lost", "c0") == .unavailable })
        let start = ContinuousClock.now
        for _ in 0..<50 { #expect(await rig.publish("lost", "c0") == .unavailable) }
        #expect(ContinuousClock.now - start < .seconds(10), "nobody waits for a server that is away")
        #expect(await rig.broadcast("lost") == .unavailable)
        rig.bus.subscribe("impatient", shard: 1)
        #expect(
            await eventually {
                rig.sink.answers.last == .init(channel: "impatient", shards: [1], error: .unavailable)
            })
        rig.bus.subscribe("patient", shard: 2)
        try await server.start()
        #expect(
            await eventually {
                rig.sink.answers.last == .init(channel: "patient", shards: [2], error: nil)
            })
        #expect(await eventually { rig.isHealthy && rig.sink.gaps.count == 1 })
        #expect(rig.sink.gaps == [nil])
        for channel in 0..<200 { #expect(await rig.publish("\(channel)", "c\(channel)") == nil) }
        #expect(await eventually { rig.sink.deliveries.count == 200 })
        #expect(rig.sink.deliveries.map(\.text) == (0..<200).map(String.init))
        #expect(rig.metric("martlet_redis_reconnects_total{connection=\"subscriber\"}") == 1)
        #expect(rig.metric("martlet_redis_reconnects_total{connection=\"commands\"}") == 1)
        try await rig.stop()
    }

    @Test func waitsForARedisThatIsNotThereYet() async throws {
        let server = try await RedisServer()
        server.kill()
        let rig = BusRig(try BusRig.configuration(server))
        rig.bus.subscribe("a", shard: 0)
        #expect(await rig.publish("1", "a") == .unavailable)
        try await server.start()
        #expect(await eventually { rig.isHealthy })
        #expect(await rig.subscribe("a"))
        #expect(await rig.publish("2", "a") == nil)
        #expect(await eventually { rig.sink.texts("a") == ["2"] })
        #expect(rig.sink.gaps.isEmpty)
        try await rig.stop()
    }

    @Test func noticesThatRedisStandsStill() async throws {
        let server = try await RedisServer()
        var configuration = try BusRig.configuration(server)
        configuration.redis.commandTimeout = .seconds(2)
        configuration.redis.keepAliveTimeout = .seconds(2)
        let rig = BusRig(configuration)
        #expect(await rig.subscribe("a"))
        server.pause()
        #expect(await rig.publish("1", "a") == .unconfirmed)
        #expect(await eventually { !rig.isHealthy })
        #expect(
            await eventually {
                rig.metric("martlet_redis_reconnects_total{connection=\"subscriber\"}") == 1
            })
        #expect(await eventually { await rig.publish("1", "a") == .unavailable })
        server.resume()
        #expect(await eventually { rig.isHealthy && rig.sink.gaps.count == 1 })
        #expect(await rig.publish("2", "a") == nil)
        #expect(await eventually { rig.sink.texts("a").last == "2" })
        try await rig.stop()
    }

    @Test func replacesAConnectionThatBringsNothing() async throws {
        let mute = try await MuteRedis()
        var configuration = try BusRig.configuration(url: "redis://127.0.0.1:\(mute.port)")
        configuration.probeTimeout = .milliseconds(300)
        let rig = BusRig(configuration)
        #expect(await rig.subscribe("a"))
        #expect(await eventually { rig.metric("martlet_redis_probes_lost_total") >= 2 })
        #expect(await eventually { rig.metric("martlet_redis_reconnects_total{connection=\"subscriber\"}") >= 2 })
        #expect(rig.metric("martlet_redis_reconnects_total{connection=\"commands\"}") == 0)
        #expect(await eventually { rig.sink.gaps.count >= 2 })
        try await rig.stop()
    }

    @Test func stopsWhenAskedTo() async throws {
        let server = try await RedisServer()
        let rig = BusRig(try BusRig.configuration(server))
        #expect(await rig.subscribe("a"))
        try await rig.stop()
        #expect(try await eventually { try await server.cli(["CLIENT", "LIST"]).split(separator: "\n").count == 1 })
    }
}
