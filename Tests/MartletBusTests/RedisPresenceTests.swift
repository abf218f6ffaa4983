// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletBus
import MartletCore
import MartletHub
import MartletRedis
import TestSupport
import Testing

/// What a real Redis adds to the tests of presence that both buses share.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct RedisPresenceTests {
    private func configuration(_ server: RedisServer) throws -> RedisBusConfiguration {
        var configuration = try BusRig.configuration(server)
        configuration.presence.leaseTTL = .milliseconds(2_500)
        configuration.presence.leaseInterval = .milliseconds(500)
        return configuration
    }

    private func rig(_ configuration: RedisBusConfiguration, node: String = "node-1") async throws -> BusRig {
        let rig = BusRig(configuration, node: node)
        guard await eventually({ rig.isHealthy }) else { throw TestSupportError("the bus is not healthy") }
        return rig
    }

    private func info(_ user: String) -> [UInt8] { Array(#"{"user":"\#(user)","client":""}"#.utf8) }

    private func clients(_ rig: BusRig, _ channel: String = "a") async throws -> [String] {
        try await rig.bus.presence(channel).map(\.client).sorted()
    }

    @Test func isSharedByAllNodes() async throws {
        let server = try await RedisServer()
        var configuration = try self.configuration(server)
        configuration.presence.leaseTTL = .seconds(3)
        let first = try await self.rig(configuration, node: "1")
        let second = try await self.rig(configuration, node: "2")
        first.bus.enter("a", client: "1", info: self.info("u"))
        // A node sees at once what it said itself.
        #expect(try await self.clients(first) == ["1"])
        second.bus.enter("a", client: "2", info: self.info("u"))
        #expect(try await self.clients(second) == ["1", "2"])
        #expect(try await first.bus.presenceStats("a") == PresenceStats(clients: 2, users: 1))
        try await Task.sleep(for: .milliseconds(4_500))
        #expect(try await self.clients(first) == ["1", "2"])
        #expect(first.metric("martlet_redis_presence_entries") == 1)
        #expect(first.metric("martlet_redis_presence_restores_total") == 0)
        first.bus.leave("a", client: "1")
        #expect(try await self.clients(first) == ["2"])
        try await second.stop()
        #expect(try await self.clients(first).isEmpty)
        try await first.stop()
        #expect(try await server.cli(["KEYS", "*"]).filter { !$0.isWhitespace }.isEmpty)
    }

    /// Lets the bus' thread stand still.
    private final class Sleeper: BusSink {
        func deliver(_ publication: Publication, to shards: ShardSet) {}
        func subscribed(_ channel: String, shards: ShardSet, error: BusError?) {}
        func gap(_ channels: [String]?) {}
        func controlReceived(_ message: [UInt8]) { Thread.sleep(forTimeInterval: 15) }
    }

    @Test func forgetsANodeThatIsGoneUntilItIsBack() async throws {
        let server = try await RedisServer()
        let rig = try await self.rig(try self.configuration(server), node: "1")
        let paused = try await self.rig(try self.configuration(server), node: "2")
        let sleeper = Sleeper()
        paused.bus.attach(sleeper)
        rig.bus.enter("a", client: "1", info: self.info("u"))
        for client in 2..<1_502 { paused.bus.enter("a", client: "\(client)", info: self.info("v")) }
        #expect(try await eventually { try await rig.bus.presenceStats("a").clients == 1_501 })
        _ = await rig.bus.send("sleep", to: "2")
        #expect(try await eventually(within: .seconds(12)) { try await self.clients(rig) == ["1"] })
        // It is not merely hidden.
        #expect(try await server.cli(["HLEN", "test:presence.a"]).contains("1"))
        #expect(try await rig.bus.presenceStats("a") == PresenceStats(clients: 1, users: 1))
        #expect(try await eventually { try await rig.bus.presenceStats("a").clients == 1_501 })
        #expect(paused.metric("martlet_redis_presence_restores_total") >= 1)
        try await rig.stop()
        try await paused.stop()
    }

    @Test func isWrittenAgainAfterAnOutage() async throws {
        let server = try await RedisServer()
        let rig = try await self.rig(try self.configuration(server))
        for client in 0..<300 {
            rig.bus.enter("all", client: "\(client)", info: self.info("u"))
            rig.bus.enter("c\(client)", client: "\(client)", info: self.info("u"))
        }
        #expect(try await rig.bus.presenceStats("all").clients == 300)
        server.kill()
        #expect(await eventually { !rig.isHealthy })
        rig.bus.leave("all", client: "0")
        rig.bus.enter("all", client: "new", info: self.info("v"))
        rig.bus.leave("c0", client: "0")
        try await server.start()
        #expect(
            await eventually {
                (try? await rig.bus.presenceStats("all")) == PresenceStats(clients: 300, users: 2)
            })
        #expect(try await eventually { try await server.cli(["DBSIZE"]).contains("301") })
        #expect(try await self.clients(rig, "c0").isEmpty)
        for client in 1..<300 { #expect(try await self.clients(rig, "c\(client)") == ["\(client)"]) }
        try await rig.stop()
        #expect(try await server.cli(["DBSIZE"]).filter(\.isNumber) == "0")
    }

    @Test func hasNoGhostsAfterRedisStoodStill() async throws {
        let server = try await RedisServer()
        var configuration = try self.configuration(server)
        configuration.redis.commandTimeout = .seconds(2)
        configuration.redis.keepAliveTimeout = .seconds(2)
        // The lease outlives the pause, so that only the node can end what it left in error.
        configuration.presence.leaseTTL = .seconds(60)
        let rig = try await self.rig(configuration)
        for client in 0..<4 { rig.bus.enter("a", client: "\(client)", info: self.info("u")) }
        #expect(try await self.clients(rig) == ["0", "1", "2", "3"])
        server.pause()
        rig.bus.leave("a", client: "0")
        #expect(await eventually { !rig.isHealthy })
        rig.bus.leave("a", client: "1")
        server.resume()
        #expect(await eventually { rig.isHealthy })
        #expect(try await eventually { try await self.clients(rig) == ["2", "3"] })
        #expect(rig.metric("martlet_redis_presence_restores_total") >= 1)
        try await rig.stop()
    }

    @Test func repeatsWhatRedisRefuses() async throws {
        let server = try await RedisServer()
        let rig = try await self.rig(try self.configuration(server))
        _ = try await server.cli(["CONFIG", "SET", "maxmemory", "1"])
        for client in 0..<4 { rig.bus.enter("a", client: "\(client)", info: self.info("u")) }
        #expect(await eventually { rig.metric("martlet_redis_presence_refusals_total") > 1 })
        rig.bus.leave("a", client: "0")
        _ = try await server.cli(["CONFIG", "SET", "maxmemory", "0"])
        #expect(try await eventually { try await self.clients(rig) == ["1", "2", "3"] })
        try await rig.stop()
    }

    @Test func keepsManyAliveWithFewCommands() async throws {
        let server = try await RedisServer()
        var configuration = try BusRig.configuration(server)
        configuration.probeInterval = .seconds(3)
        let rig = try await self.rig(configuration)
        for client in 0..<10_000 {
            rig.bus.enter("all", client: "\(client)", info: self.info("u\(client)"))
            rig.bus.enter("c\(client)", client: "\(client)", info: self.info("u\(client)"))
        }
        #expect(try await rig.bus.presenceStats("all") == PresenceStats(clients: 10_000, users: 10_000))
        #expect(try await rig.bus.presence("all").count == 10_000)
        #expect(try await eventually { try await server.cli(["DBSIZE"]).contains("10002") })
        _ = try await server.cli(["CONFIG", "RESETSTAT"])
        try await Task.sleep(for: .seconds(5))
        let calls = try await server.cli(["INFO", "commandstats"]).split(separator: "calls=").dropFirst()
            .reduce(0) { $0 + (Int($1.prefix { $0.isNumber }) ?? 0) }
        #expect(calls > 0 && calls < 100, "\(calls) commands in five seconds and a bit")
        try await rig.stop()
        #expect(try await server.cli(["DBSIZE"]).filter(\.isNumber) == "0")
    }
}
