// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletRedis
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(2)))
struct RedisSubscriberConnectionTests {
    private func configuration(
        _ server: RedisServer, keepAlive: Duration = .seconds(10)
    ) throws -> RedisConfiguration {
        var configuration = RedisConfiguration(url: try RedisURL(server.url))
        configuration.backoffBase = .milliseconds(20)
        configuration.backoffCeiling = .milliseconds(100)
        configuration.connectTimeout = .milliseconds(500)
        configuration.keepAliveInterval = keepAlive
        configuration.keepAliveTimeout = keepAlive
        return configuration
    }

    @Test func subscribesToTenThousandChannels() async throws {
        let server = try await RedisServer()
        let rig = SubscriberRig(try self.configuration(server))
        let channels = (0..<10_000).map { "channel.\($0)" }
        try await rig.onLoop { connection in
            connection.start()
            for channel in channels { connection.subscribe(channel) }
        }
        let expected = Set(channels)
        #expect(
            await eventually {
                Set(rig.events.compactMap { if case .subscribed(let channel) = $0 { channel } else { nil } })
                    == expected
            })
        let statistics = try await server.cli(["INFO", "commandstats"])
        let calls = statistics.split(separator: "cmdstat_subscribe:calls=").last?.prefix { $0.isNumber }
        #expect((Int(calls ?? "") ?? .max) <= 25, "they went in batches")
        #expect(try await server.cli(["PUBSUB", "NUMSUB", "channel.9999"]).contains("1"))

        let script = (0..<10_000).map { "PUBLISH channel.\($0) \($0)\r\n" }.joined()
        _ = try await server.cli(["--pipe"], input: Array(script.utf8))
        #expect(await eventually { rig.messages.count == 10_000 })
        let isInOrder = rig.messages.map(\.channel) == channels
        #expect(isInOrder)

        try await rig.onLoop { connection in for channel in channels { connection.unsubscribe(channel) } }
        #expect(
            await eventually {
                rig.events.filter { if case .unsubscribed = $0 { true } else { false } }.count == 10_000
            })
        try await rig.stop()
    }

    @Test func comesBackAfterRedisWasKilled() async throws {
        let server = try await RedisServer()
        let rig = SubscriberRig(try self.configuration(server))
        try await rig.onLoop { connection in
            connection.subscribe("a")
            connection.start()
        }
        #expect(await eventually { rig.events == [.opened, .subscribed("a"), .restored] })
        server.kill()
        #expect(await eventually { rig.events.count > 3 })
        guard case .closed(_, wasOpen: true) = rig.events[3] else { throw TestSupportError("\(rig.events)") }
        try await rig.onLoop { $0.subscribe("b") }
        try await server.start()
        #expect(await eventually { rig.events.suffix(1) == [.restored] })
        #expect(Set(rig.events.suffix(3).prefix(2)) == [.subscribed("a"), .subscribed("b")])
        _ = try await server.cli(["PUBLISH", "b", "back"])
        #expect(await eventually { rig.messages.map(\.payload) == [Array("back".utf8)] })
        try await rig.stop()
    }

    @Test func noticesThatRedisStandsStill() async throws {
        let server = try await RedisServer()
        let rig = SubscriberRig(try self.configuration(server, keepAlive: .seconds(2)))
        try await rig.onLoop { connection in
            connection.subscribe("a")
            connection.start()
        }
        #expect(await eventually { rig.events.contains(.restored) })
        // Idle is no fault.
        try await Task.sleep(for: .seconds(6))
        #expect(rig.events.count == 3)
        server.pause()
        #expect(await eventually { rig.events.contains(.closed(.timedOut, wasOpen: true)) })
        server.resume()
        #expect(await eventually { rig.events.suffix(1) == [.restored] })
        try await rig.stop()
    }
}
