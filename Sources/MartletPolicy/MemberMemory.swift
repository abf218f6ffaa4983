// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What nodes tell each other of themselves, and what a node remembers of it; the simulation's nodes do the same.
package enum MemberMemory {
    /// Members that a node remembers: more than a cluster has. What is beyond is not remembered.
    package static let membersMax = 4_096
    /// Between two announcements of a node.
    package static let announceInterval: Duration = .seconds(2)
    /// Time after the last announcement until a member counts as gone, in nanoseconds.
    package static let silenceMax: Int64 = 10_000_000_000
    /// Time for which a member that fell silent is still missed, in nanoseconds: who misses more than half of those
    /// who were there lately is more likely cut off than left alone.
    package static let recentMax: Int64 = 300_000_000_000
    /// How long a node that turned somebody away for its rate says so, in nanoseconds.
    package static let refusingTime: Int64 = 10_000_000_000
}
