// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletBus
import MartletCore
import MartletHub
import MartletRedis
import Synchronization
import TestSupport
import Testing

/// What a real Redis adds to `StreamTests`.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct RedisStreamTests {
    private let history = HistoryOptions(size: 5, ttl: .seconds(60))

    private func rig(_ server: RedisServer, node: String = "node-1") async throws -> BusRig {
        let rig = BusRig(try BusRig.configuration(server), node: node)
        guard await eventually({ rig.isHealthy }) else { throw TestSupportError("the bus is not healthy") }
        return rig
    }

    private func page(_ rig: BusRig, _ channel: String = "a") async throws -> HistoryPage {
        try await rig.bus.history(channel, HistoryQuery(history: self.history))
    }

    @Test func givesAllNodesOneOrder() async throws {
        let server = try await RedisServer()
        let rigs = [try await self.rig(server, node: "1"), try await self.rig(server, node: "2")]
        for rig in rigs { #expect(await rig.subscribe("a")) }
        let history = HistoryOptions(size: 10_000, ttl: .seconds(60))
        let count = 4_000
        await withTaskGroup(of: Void.self) { group in
            for publisher in 0..<4 {
                group.addTask {
                    for index in 0..<(count / 4) {
                        let publication = Publication(channel: "a", data: Array("\(publisher).\(index)".utf8))
                        rigs[publisher % 2].bus.publish(publication, PublishOptions(history: history)) { _ in }
                    }
                }
            }
        }
        #expect(
            await eventually(within: .seconds(30)) {
                rigs.allSatisfy { $0.sink.deliveries.count == count }
            })
        let kept = try await rigs[0].bus.history("a", HistoryQuery(history: history)).publications
        for rig in rigs {
            let delivered = rig.sink.deliveries.map(\.publication)
            let hasNoHole = delivered.map(\.offset) == (1...count).map { UInt64($0) }
            #expect(hasNoHole)
            let isHistory = delivered == kept
            #expect(isHistory)
            #expect(rig.metric("martlet_redis_published_total") >= count / 2)
            for publisher in 0..<4 {
                let texts = rig.sink.texts("a").filter { $0.hasPrefix("\(publisher).") }
                let isInOrder = texts == (0..<(count / 4)).map { "\(publisher).\($0)" }
                #expect(isInOrder)
            }
        }
        for rig in rigs { try await rig.stop() }
    }

    @Test func setsBoundsInRedis() async throws {
        let server = try await RedisServer()
        let rig = try await self.rig(server)
        var options = PublishOptions(history: self.history)
        for number in 0..<20 {
            options.idempotencyKey = "\(number)"
            _ = await rig.bus.publish("1", "a:b", options)
        }
        #expect(try await server.cli(["XLEN", "test:history.a:b"]).contains("5"))
        func life(_ key: String) async throws -> Int {
            Int(try await server.cli(["TTL", key]).filter { $0.isNumber || $0 == "-" }) ?? -3
        }
        #expect((1...60).contains(try await life("test:history.a:b")))
        #expect((86_000...86_400).contains(try await life("test:position.a:b")))
        #expect((1...300).contains(try await life("test:idempotency.3.a:b.7")))
        _ = try await self.page(rig, "unknown")
        #expect((86_000...86_400).contains(try await life("test:position.unknown")))
        try await rig.stop()
    }

    @Test func runsScriptsThatRedisForgot() async throws {
        let server = try await RedisServer()
        let rig = try await self.rig(server)
        for number in 1...3 {
            _ = try await server.cli(["SCRIPT", "FLUSH"])
            #expect(await rig.bus.publish("\(number)", "a", history: self.history)?.offset == UInt64(number))
            _ = try await server.cli(["SCRIPT", "FLUSH"])
            #expect(try await self.page(rig).publications.count == number)
        }
        let stats = try await server.cli(["INFO", "commandstats"])
        #expect(stats.contains("cmdstat_eval:calls=6") && stats.contains("cmdstat_evalsha:calls=6"))
        try await rig.stop()
    }

    @Test func goesOnWhereRedisKeptItsData() async throws {
        let server = try await RedisServer(arguments: ["--appendonly", "yes", "--appendfsync", "always"])
        let rig = try await self.rig(server)
        let before = await rig.bus.publish("1", "a", history: self.history)
        server.kill()
        #expect(await eventually { !rig.isHealthy })
        #expect(await rig.bus.publish("lost", "a", PublishOptions(history: self.history)) == .failure(.unavailable))
        try await server.start()
        #expect(await eventually { rig.isHealthy })
        let after = await rig.bus.publish("2", "a", history: self.history)
        #expect(after?.offset == 2 && after?.epoch == before?.epoch)
        #expect(try await self.page(rig).texts == ["1", "2"])
        #expect(try await !server.cli(["INFO", "commandstats"]).contains("cmdstat_eval:"))
        try await rig.stop()
    }

    @Test func beginsAgainWhereRedisForgot() async throws {
        let server = try await RedisServer()
        let rig = try await self.rig(server)
        let before = await rig.bus.publish("1", "a", history: self.history)
        server.kill()
        #expect(await eventually { !rig.isHealthy })
        try await server.start()
        #expect(await eventually { rig.isHealthy })
        let after = await rig.bus.publish("2", "a", history: self.history)
        #expect(after?.offset == 1 && after?.epoch != before?.epoch)
        // Publications without the position they belong to are of no use.
        _ = try await server.cli(["DEL", "test:position.a"])
        let third = await rig.bus.publish("3", "a", history: self.history)
        #expect(third?.offset == 1 && third?.epoch != after?.epoch)
        #expect(try await self.page(rig).texts == ["3"])
        _ = try await server.cli(["DEL", "test:position.a"])
        let page = try await self.page(rig)
        #expect(page.publications.isEmpty && page.top.offset == 0)
        try await rig.stop()
    }

    @Test func saysWhatRedisDoesNotConfirm() async throws {
        let server = try await RedisServer()
        var configuration = try BusRig.configuration(server)
        configuration.redis.commandTimeout = .seconds(2)
        configuration.redis.keepAliveTimeout = .seconds(2)
        let rig = BusRig(configuration)
        #expect(await eventually { rig.isHealthy })
        #expect(await rig.bus.publish("1", "a", history: self.history)?.offset == 1)
        server.pause()
        #expect(await rig.bus.publish("2", "a", PublishOptions(history: self.history)) == .failure(.unconfirmed))
        await #expect(throws: BusError.unavailable) { try await self.page(rig) }
        server.resume()
        #expect(await eventually { rig.isHealthy })
        // It may or may not have been published, and says so.
        let page = try await self.page(rig)
        #expect(page.top.offset == UInt64(page.publications.count))
        _ = try await server.cli(["CONFIG", "SET", "maxmemory", "1"])
        guard
            case .failure(.refused(let text)) = await rig.bus.publish(
                "3", "a", PublishOptions(history: self.history))
        else { throw TestSupportError("it was published") }
        #expect(text.contains("OOM"))
        _ = try await server.cli(["CONFIG", "SET", "maxmemory", "0"])
        #expect(try await self.page(rig) == page)
        #expect(rig.metric("martlet_redis_publish_failures_total{reason=\"refused\"}") == 1)
        try await rig.stop()
    }

    @Test func boundsOneReading() async throws {
        let server = try await RedisServer()
        var configuration = try BusRig.configuration(server)
        configuration.readBytesMax = 1_000
        let rig = BusRig(configuration)
        #expect(await eventually { rig.isHealthy })
        for _ in 0..<5 {
            _ = await rig.bus.publish(String(repeating: "x", count: 300), "a", history: self.history)
        }
        let page = try await self.page(rig)
        #expect(page.offsets == [1, 2] && page.top.offset == 5)
        for client in 0..<20 { rig.bus.enter("a", client: "\(client)", info: Array(repeating: 0x20, count: 100)) }
        await #expect(throws: BusError.self) { try await rig.bus.presence("a") }
        #expect(try await rig.bus.presenceStats("a").clients == 20)
        #expect(rig.metric("martlet_redis_read_failures_total{reason=\"refused\"}") == 1)
        try await rig.stop()
    }

    private final class Count: Sendable {
        let value = Mutex(0)
        func add() { self.value.withLock { $0 += 1 } }
    }

    @Test func answersEverythingOnceAlsoAfterItsEnd() async throws {
        let server = try await RedisServer()
        let rig = try await self.rig(server)
        let count = Count()
        func ask() {
            var once = PublishOptions()
            once.idempotencyKey = "k"
            for options in [PublishOptions(), once, PublishOptions(history: self.history)] {
                rig.bus.publish(Publication(channel: "a", data: [0x31]), options) { _ in count.add() }
            }
            rig.bus.history("a", HistoryQuery(history: self.history)) { _ in count.add() }
            rig.bus.removeHistory("a") { _ in count.add() }
            rig.bus.renewStream("a", from: "x") { _ in count.add() }
            rig.bus.enter("a", client: "1", info: [])
            rig.bus.leave("a", client: "1")
            rig.bus.presence("a") { _ in count.add() }
            rig.bus.presenceStats("a") { _ in count.add() }
            rig.bus.broadcast([1]) { _ in count.add() }
            rig.bus.send([1], to: "x") { _ in count.add() }
        }
        for _ in 0..<100 { ask() }
        try await rig.stop()
        for _ in 0..<100 { ask() }
        #expect(await eventually { count.value.withLock { $0 } == 2_000 })
        try await Task.sleep(for: .milliseconds(50))
        #expect(count.value.withLock { $0 } == 2_000)
    }
}
