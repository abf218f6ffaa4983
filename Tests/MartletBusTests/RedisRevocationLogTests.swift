// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore
import MartletHub
import MartletProtocol
import MartletRedis
import TestSupport
import Testing

@testable import MartletBus

@Suite("The stream of revocations in Redis", .serialized, .timeLimit(.minutes(2)))
struct RedisRevocationLogTests {
    private func rig(_ server: RedisServer, node: String = "node-1") async throws -> BusRig {
        let rig = BusRig(try BusRig.configuration(server), node: node)
        guard await eventually({ rig.isHealthy }) else { throw TestSupportError("the bus is not healthy") }
        return rig
    }

    private func texts(_ page: RedisRevocationLog.Page) -> [String] {
        page.entries.map { String(decoding: $0.message, as: UTF8.self) }
    }

    @Test func whatIsAppendedIsReadInOrderAndToldToEveryNode() async throws {
        let server = try await RedisServer()
        let (first, second) = (try await self.rig(server, node: "1"), try await self.rig(server, node: "2"))
        let log = first.bus.revocationLog(retention: .seconds(3_600))
        let empty = try await log.read(after: .zero)
        #expect(empty.epoch.isEmpty && empty.last == .zero && empty.floor == nil && empty.entries.isEmpty)
        var ids: [StreamID] = []
        for text in ["a", "b", "c"] { ids.append(try await log.append(Array(text.utf8))) }
        #expect(ids == ids.sorted() && Set(ids).count == 3)
        #expect(abs(ids[0].time - Clock.wall) < 60)
        let other = second.bus.revocationLog(retention: .seconds(3_600))
        let page = try await other.read(after: .zero)
        #expect(self.texts(page) == ["a", "b", "c"] && page.entries.map(\.id) == ids)
        #expect(!page.epoch.isEmpty && page.last == ids[2] && page.floor == nil && !page.isFull)
        #expect(self.texts(try await other.read(after: ids[0])) == ["b", "c"])
        #expect(try await other.read(after: ids[2]).entries.isEmpty)
        for rig in [first, second] {
            #expect(
                await eventually {
                    rig.sink.controls.map { String(decoding: $0, as: UTF8.self) }
                        == ids.map { #"{"appended":"\#($0)"}"# }
                })
        }
        try await first.stop()
        try await second.stop()
    }

    @Test func theOldGoAndSoDoThoseBeyondTheBound() async throws {
        let server = try await RedisServer()
        let rig = try await self.rig(server)
        let short = rig.bus.revocationLog(retention: .milliseconds(500))
        _ = try await short.append([1])
        try await Task.sleep(for: .seconds(2))
        let kept = try await short.append([2])
        #expect(try await short.read(after: .zero).entries.map(\.id) == [kept])
        // Nobody missed what no token could fall under.
        #expect(try await short.read(after: .zero).floor == nil)

        var bounded = rig.bus.revocationLog(retention: .seconds(3_600))
        bounded.lengthMax = 2
        var ids: [StreamID] = []
        for number in UInt8(3)...5 { ids.append(try await bounded.append([number])) }
        let page = try await bounded.read(after: .zero)
        #expect(page.entries.map(\.id) == Array(ids.suffix(2)) && page.floor == ids[1])
        try await rig.stop()
    }

    @Test func readsComeInPages() async throws {
        let server = try await RedisServer()
        let rig = try await self.rig(server)
        let log = rig.bus.revocationLog(retention: .seconds(3_600))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<(RedisRevocationLog.pageSize + 10) { group.addTask { _ = try await log.append([7]) } }
            try await group.waitForAll()
        }
        let first = try await log.read(after: .zero)
        #expect(first.isFull && first.entries.count == RedisRevocationLog.pageSize)
        let rest = try await log.read(after: first.entries[first.entries.count - 1].id)
        #expect(!rest.isFull && rest.entries.count == 10 && rest.last == rest.entries[9].id)
        try await rig.stop()
    }

    @Test func anotherLifeOfTheStreamHasAnotherEpoch() async throws {
        let server = try await RedisServer()
        let rig = try await self.rig(server)
        let log = rig.bus.revocationLog(retention: .seconds(3_600))
        _ = try await log.append([1])
        let before = try await log.read(after: .zero)
        _ = try await server.cli(["FLUSHALL"])
        let lost = try await log.read(after: before.last)
        #expect(lost.epoch.isEmpty && lost.last == .zero)
        let id = try await log.append([2])
        let after = try await log.read(after: before.last)
        #expect(after.epoch != before.epoch && after.last == id)
        #expect(try await log.claimRepair())
        #expect(try await !log.claimRepair())
        try await log.releaseRepair()
        #expect(try await log.claimRepair())
        try await rig.stop()
    }

    /// As after a fail-over to a replica that lagged behind, to which something was appended since.
    @Test func otherEntriesInThePlaceOfThoseThatWereReadAreNoticed() async throws {
        let server = try await RedisServer()
        let rig = try await self.rig(server)
        let log = rig.bus.revocationLog(retention: .seconds(3_600))
        let kept = try await log.append([1])
        let gone = try await log.append([2])
        let stream = try await server.cli(["--raw", "KEYS", "*revocations"])
            .trimmingCharacters(in: .whitespacesAndNewlines)
        _ = try await server.cli(["XDEL", stream, "\(gone)"])
        let id = try await log.append([3])
        #expect(try await log.read(after: gone).last == .zero)
        #expect(try await log.read(after: kept).last == id)
        #expect(try await log.read(after: id).last == id)
        #expect(try await log.read(after: .zero).last == id)
        try await rig.stop()
    }

    @Test func theFloorOnlyRises() async throws {
        let server = try await RedisServer()
        let rig = try await self.rig(server)
        let log = rig.bus.revocationLog(retention: .seconds(3_600))
        let floor = StreamID(milliseconds: UInt64(Clock.wall * 1_000), sequence: 7)
        try await log.raiseFloor(to: floor)
        try await log.raiseFloor(to: StreamID(milliseconds: 1_000, sequence: 0))
        _ = try await log.append([1])
        #expect(try await log.read(after: .zero).floor == floor)
        try await rig.stop()
    }

    @Test func subscriptionsAreCountedWhereTheyHold() async throws {
        let server = try await RedisServer()
        let rig = try await self.rig(server)
        let log = rig.bus.revocationLog(retention: .seconds(3_600))
        #expect(log.subscriptions == 1)
        server.kill()
        #expect(await eventually { log.subscriptions == nil })
        await #expect(throws: BusError.self) { try await log.append([1]) }
        try await server.start()
        #expect(await eventually { log.subscriptions == 2 })
        try await rig.stop()
    }
}
