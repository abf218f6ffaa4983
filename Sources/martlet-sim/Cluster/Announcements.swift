// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletPolicy

/// What nodes have told each other, as of their last announcement.
///
/// All hear the same in the same order, so all know the same, up to as many members as a node remembers: those that came
/// first. Of a larger cluster a node knows those, and itself.
struct Announcements: Sendable {
    private let membersMax: Int
    /// In nanoseconds.
    private let settling: Int64
    /// Who was lost without a goodbye, and when, in nanoseconds.
    private var lost: [(load: MemberLoad, at: Int64)] = []
    private var known: [MemberLoad] = []
    /// The index of the last node that is known to all.
    private var lastKnown = -1
    private var recent = 0
    private var heardAt: Int64 = 0
    /// What all know; nil before anybody said anything.
    private var cluster: ClusterLoad?

    init(_ model: NodeModel) {
        self.membersMax = model.membersMax
        self.settling = model.rebalance.settling.nanoseconds
    }

    mutating func lose(_ load: MemberLoad, _ now: Double) { self.lost.append((load, now.asNanoseconds)) }

    /// - Parameter members: All that are there, by ascending indexes.
    mutating func announce(_ members: [(index: Int, load: MemberLoad)], _ now: Double) {
        let now = now.asNanoseconds
        self.lost.removeAll { now - $0.at > MemberMemory.recentMax }
        // Who fell silent counts as there for a moment; then it is missed.
        let silent = self.lost.filter { now - $0.at <= MemberMemory.silenceMax }.prefix(self.membersMax)
        let heard = members.prefix(self.membersMax - silent.count)
        self.known = silent.map(\.load) + heard.map(\.load)
        self.lastKnown = heard.last?.index ?? -1
        self.recent = min(self.membersMax, heard.count + self.lost.count)
        self.heardAt = now
        self.cluster = ClusterLoad(self.known, recent: self.recent, now: now, settling: self.settling)
    }

    /// The cluster, as a node knows it.
    func view(of index: Int, _ own: MemberLoad) -> ClusterLoad? {
        guard index > self.lastKnown, self.cluster != nil else { return self.cluster }
        return ClusterLoad(
            self.known + [own], recent: self.recent + 1, now: self.heardAt, settling: self.settling)
    }
}
