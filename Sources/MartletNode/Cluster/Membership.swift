// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletPolicy
import Synchronization

/// Which nodes there are, this one among them: those that were heard of lately, by this node's own monotonic clock, so
/// that it does not matter what time it is elsewhere.
final class Membership: Sendable {
    /// How long before a member was last heard of the one may have started that was put in its place, in nanoseconds:
    /// what it said last may have been under way.
    static let overlapMax: Int64 = 1_000_000_000

    struct Seen: Equatable, Sendable {
        var member: ClusterMember
        /// When it was first and last heard of, in monotonic nanoseconds.
        var first: Int64
        var last: Int64

        /// When it started, by the clock of the node that heard it: no other clock matters.
        var startedAt: Int64 {
            let uptime = min(max(0, self.member.uptime), 1e9)
            return self.last - Int64(uptime * 1e9)
        }
    }

    private let table = Mutex<[String: Seen]>([:])

    func heard(_ member: ClusterMember, at now: Int64 = Clock.monotonic) {
        self.table.withLock { table in
            if let known = table[member.id] {
                // Who comes back is new: nobody knows what it went through.
                let first = Self.isThere(known, now) ? known.first : now
                table[member.id] = Seen(member: member, first: first, last: now)
                return
            }
            if table.count >= MemberMemory.membersMax { table = table.filter { Self.isThere($0.value, now) } }
            guard table.count < MemberMemory.membersMax else { return }
            table[member.id] = Seen(member: member, first: now, last: now)
        }
    }

    func left(_ id: String) { self.table.withLock { $0[id] = nil } }

    /// Whether a node was heard of lately.
    func knows(_ id: String, at now: Int64 = Clock.monotonic) -> Bool {
        self.table.withLock { $0[id].map { Self.isThere($0, now) } ?? false }
    }

    /// By name.
    func seen(at now: Int64 = Clock.monotonic) -> [Seen] {
        let seen = self.table.withLock { $0.values.filter { Self.isThere($0, now) } }
        return seen.sorted { ($0.member.name, $0.member.id) < ($1.member.name, $1.member.id) }
    }

    /// Those that are there, and how many there were lately, those included that fell silent without a goodbye, but for
    /// those that were started again under their name.
    func view(at now: Int64 = Clock.monotonic) -> (seen: [Seen], recent: Int) {
        self.table.withLock { table in
            table = table.filter { now - $0.value.last <= MemberMemory.recentMax }
            let there = table.values.filter { Self.isThere($0, now) }
            return (there, there.count + Self.lost(Array(table.values), now).count)
        }
    }

    /// Those that fell silent without a goodbye lately, and may be there all the same: but for those that were started
    /// again under their name. By name.
    func lost(at now: Int64 = Clock.monotonic) -> [Seen] {
        let recent = self.table.withLock { $0.values.filter { now - $0.last <= MemberMemory.recentMax } }
        return Self.lost(recent, now)
            .sorted { ($0.member.name, $0.member.id) < ($1.member.name, $1.member.id) }
    }

    /// Names that several bear who live at the same time: each was heard of after the other had come, so that none of
    /// them is the other one started again. Sorted.
    func namesakes(at now: Int64 = Clock.monotonic) -> [String] {
        let there = self.table.withLock { $0.values.filter { Self.isThere($0, now) } }
        let shared = Dictionary(grouping: there, by: \.member.name).filter { _, bearers in
            bearers.contains { one in
                bearers.contains { $0.member.id != one.member.id && one.last > $0.first && $0.last > one.first }
            }
        }
        return shared.keys.sorted()
    }

    /// Who is started again under its name came after the one that is gone; a namesake that was there before, as all
    /// are where nobody gave the nodes names of their own, makes nobody less lost.
    private static func lost(_ recent: [Seen], _ now: Int64) -> [Seen] {
        let starts = Dictionary(
            recent.lazy.filter { Self.isThere($0, now) }.map { ($0.member.name, $0.startedAt) }, uniquingKeysWith: max)
        return recent.filter { seen in
            guard !Self.isThere(seen, now) else { return false }
            return starts[seen.member.name].map { $0 < seen.last - Self.overlapMax } ?? true
        }
    }

    private static func isThere(_ seen: Seen, _ now: Int64) -> Bool { now - seen.last <= MemberMemory.silenceMax }
}
