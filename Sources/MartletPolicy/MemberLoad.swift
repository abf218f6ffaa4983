// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What the policies of the cluster know of one node; how it is called is of no use to them.
package struct MemberLoad: Sendable {
    /// Where a node is in its life, as far as it decides what it carries.
    package enum State: Sendable {
        /// Takes no connections yet.
        case starting
        /// Takes its share; a node that is full is among these.
        case serving
        /// Sends its connections away.
        case draining
    }

    package var connections: Int
    package var capacity: Int
    package var state: State
    /// Whether it lately turned clients away because too many came at once.
    package var isRefusing: Bool
    /// When this node first heard of it, in the hearer's monotonic nanoseconds: no clock of another node matters.
    package var firstSeen: Int64

    package init(
        connections: Int, capacity: Int, state: State = .serving, isRefusing: Bool = false, firstSeen: Int64
    ) {
        self.connections = connections
        self.capacity = capacity
        self.state = state
        self.isRefusing = isRefusing
        self.firstSeen = firstSeen
    }
}
