// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
package import MartletHub
package import MartletProtocol
import MartletRedis

/// The stream in Redis that keeps revocations for nodes that start later, where no Kafka does: how it is asked, and
/// what its answers mean. It holds nothing, and is used from any thread.
///
/// Entries have the time of Redis' own clock, go when no token can fall under them any more, and are bounded in
/// number. Whoever reads knows by the epoch, and by the last identifier given out, whether the data is still that which
/// was read before.
package struct RedisRevocationLog: Sendable {
    /// What a read brought.
    package struct Page: Sendable {
        /// Names this life of the stream; empty where nothing was ever appended.
        package var epoch: String
        /// The last identifier that was given out; zero where the entry after which was read is gone, and older are not.
        package var last: StreamID
        /// Where entries were dropped because there were too many, the first that was left.
        package var floor: StreamID?
        package var entries: [(id: StreamID, message: [UInt8])]
        /// Whether more may follow.
        package var isFull: Bool

        package init(
            epoch: String, last: StreamID, floor: StreamID?, entries: [(id: StreamID, message: [UInt8])], isFull: Bool
        ) {
            self.epoch = epoch
            self.last = last
            self.floor = floor
            self.entries = entries
            self.isFull = isFull
        }
    }

    /// Entries that are kept, whatever their age.
    package static let lengthMax = 1_000_000
    /// Entries that one read brings.
    package static let pageSize = 1_000

    let names: RedisNames
    let commands: RedisCommandConnection
    let status: RedisBusHealth
    /// For which an entry is kept.
    let retention: Duration
    var lengthMax = RedisRevocationLog.lengthMax

    /// How often all that is to be subscribed was subscribed anew; nil while it is not. Whoever reads after that is told
    /// of everything that is appended later.
    package var subscriptions: Int? { self.status.subscriptions }

    /// Appends a message, and tells every node that something is there to be read.
    package func append(_ message: [UInt8]) async throws(BusError) -> StreamID {
        let answer = try await self.run(
            RedisScripts.appendRevocation,
            [
                .bytes(message), .text(String(max(1, self.retention.nanoseconds / 1_000_000))),
                .text(String(self.lengthMax)), .text(self.names.control), .text(StreamRules.makeEpoch()),
            ])
        guard let id = answer.text.flatMap(StreamID.init) else { throw Self.unreadable }
        return id
    }

    package func read(after id: StreamID) async throws(BusError) -> Page {
        let answer = try await self.run(
            RedisScripts.readRevocations, [.text(id.description), .text(String(Self.pageSize))])
        guard case .array(let parts) = answer, parts.count >= 3, !parts.count.isMultiple(of: 2),
            let epoch = parts[0].text, let last = parts[1].text.flatMap(StreamID.init), let floor = parts[2].text
        else { throw Self.unreadable }
        var page = Page(epoch: epoch, last: last, floor: StreamID(floor), entries: [], isFull: false)
        for index in stride(from: 3, to: parts.count, by: 2) {
            guard let id = parts[index].text.flatMap(StreamID.init), case .bytes(let message) = parts[index + 1] else {
                throw Self.unreadable
            }
            page.entries.append((id: id, message: message))
        }
        page.isFull = page.entries.count >= Self.pageSize
        return page
    }

    /// Whether this node is the one to write again what Redis has lost; no other is, for a minute or until it is released.
    package func claimRepair() async throws(BusError) -> Bool {
        try await self.command(["SET", .text(self.names.revocationRepair), "1", "NX", "PX", "60000"]) != .null
    }

    /// Lets another node write what only that one remembers.
    package func releaseRepair() async throws(BusError) {
        _ = try await self.command(["DEL", .text(self.names.revocationRepair)])
    }

    /// Says that entries before this one may be gone, for who reads from the beginning.
    package func raiseFloor(to id: StreamID) async throws(BusError) {
        _ = try await self.run(RedisScripts.raiseRevocationFloor, [.text(id.description)])
    }

    private func command(_ arguments: [RESPArgument]) async throws(BusError) -> RESPValue {
        do throws(RedisError) {
            return try await self.commands.command(arguments)
        } catch {
            throw BusError(redis: error)
        }
    }

    private static let unreadable = BusError.refused("an answer that cannot be read")

    private func run(_ script: RedisScript, _ arguments: [RESPArgument]) async throws(BusError) -> RESPValue {
        let result = await withCheckedContinuation { continuation in
            self.commands.run(
                script, keys: [self.names.revocations, self.names.revocationState], arguments: arguments
            ) { continuation.resume(returning: $0) }
        }
        return try result.mapError(BusError.init(redis:)).get()
    }
}
