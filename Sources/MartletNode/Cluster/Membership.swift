// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Synchronization

/// Which nodes there are, this one among them: those that were heard of lately, by this node's own monotonic clock, so
/// that it does not matter what time it is elsewhere.
final class Membership: Sendable {
    /// More than a cluster has; what is beyond is not remembered.
    static let membersMax = 1_024
    /// Time after the last announcement until a member counts as gone, in nanoseconds.
    static let silenceMax: Int64 = 10_000_000_000

    struct Seen: Equatable, Sendable {
        var member: ClusterMember
        /// When it was first and last heard of, in monotonic nanoseconds.
        var first: Int64
        var last: Int64
    }

    private let table = Mutex<[String: Seen]>([:])

    func heard(_ member: ClusterMember, at now: Int64 = Clock.monotonic) {
        self.table.withLock { table in
            if let known = table[member.id] {
                table[member.id] = Seen(member: member, first: known.first, last: now)
                return
            }
            if table.count >= Self.membersMax { Self.expire(&table, now) }
            guard table.count < Self.membersMax else { return }
            table[member.id] = Seen(member: member, first: now, last: now)
        }
    }

    func left(_ id: String) { self.table.withLock { $0[id] = nil } }

    /// Whether a node was heard of lately.
    func knows(_ id: String) -> Bool { self.table.withLock { $0[id] != nil } }

    /// By name.
    func seen(at now: Int64 = Clock.monotonic) -> [Seen] {
        let seen = self.table.withLock { table in
            Self.expire(&table, now)
            return Array(table.values)
        }
        return seen.sorted { ($0.member.name, $0.member.id) < ($1.member.name, $1.member.id) }
    }

    private static func expire(_ table: inout [String: Seen], _ now: Int64) {
        table = table.filter { now - $0.value.last <= self.silenceMax }
    }
}
