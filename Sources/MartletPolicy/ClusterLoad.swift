// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The sums over a cluster's members that the policies decide by, made in one pass and without memory of their own, so
/// that a simulation of thousands of nodes with one view of the cluster makes them once for all.
package struct ClusterLoad: Sendable {
    /// Members that are there, whatever they do; the node that looks is one of them.
    package private(set) var present = 0
    /// Members that were there lately, those included that were lost without a goodbye.
    package let recent: Int
    /// Open connections of all that are present: those of a draining node will come back to the others.
    package private(set) var connections = 0
    /// Members that carry their share and were seen for long enough to have it.
    package private(set) var settled = 0
    package private(set) var settledConnections = 0
    package private(set) var settledCapacity = 0
    /// Whether a node that serves turns clients away because too many come at once.
    package private(set) var isRefusing = false
    /// Members that send connections away which they still have.
    package private(set) var draining = 0
    /// Members that serve, new ones too, and what they take together.
    package private(set) var serving = 0
    package private(set) var servingCapacity = 0
    /// Members that say what they take, whether they serve or not, and what that is together.
    package private(set) var told = 0
    package private(set) var toldCapacity = 0

    /// - Parameters:
    ///   - members: All that are present, the node that looks among them.
    ///   - recent: How many there were lately; at least as many as are present.
    ///   - now: In monotonic nanoseconds.
    ///   - settling: How long a member is seen before it counts, in nanoseconds.
    package init(_ members: some Sequence<MemberLoad>, recent: Int, now: Int64, settling: Int64) {
        var (present, sum) = (0, 0)
        for member in members {
            present += 1
            let connections = Self.held(member.connections)
            sum += connections
            if member.state == .draining, connections > 0 { self.draining += 1 }
            guard member.capacity > 0 else { continue }
            let capacity = Self.held(member.capacity)
            self.told += 1
            self.toldCapacity += capacity
            guard member.state == .serving else { continue }
            self.serving += 1
            self.servingCapacity += capacity
            self.isRefusing = self.isRefusing || member.isRefusing
            guard now.subtractingReportingOverflow(member.firstSeen).partialValue >= settling else { continue }
            self.settled += 1
            self.settledConnections += connections
            self.settledCapacity += capacity
        }
        self.present = present
        self.connections = sum
        self.recent = max(recent, present)
    }

    /// Open connections over capacity, of the settled members together.
    package var utilization: Double {
        self.settledCapacity > 0 ? Double(self.settledConnections) / Double(self.settledCapacity) : 0
    }

    /// Members that drain, as a part of those that do and those that take what they send away.
    package var drainingPart: Double {
        self.draining > 0 ? Double(self.draining) / Double(self.draining + self.serving) : 0
    }

    /// Whether more than half of those who were there lately are gone, or this node is cut off from them.
    package var isTorn: Bool { self.present < self.recent - self.present }

    /// Whether there are as many members as a node remembers, and maybe more.
    package var mayLackSome: Bool { self.present >= MemberMemory.membersMax }

    /// What others tell is held within what no sum of them overflows.
    private static func held(_ count: Int) -> Int { min(max(0, count), 1 << 40) }
}
