// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What `GET /api/nodes` answers: the nodes that one of them knows of.
package struct ClusterOverview: Sendable, Encodable {
    package struct Node: Sendable, Encodable {
        package var id: String
        package var name: String
        /// Where clients reach it, as far as it knows.
        package var address: String
        /// Where it is in its life, as its own `/readyz` says it.
        package var state: String
        package var connections: Int
        package var capacity: Int
        /// Open connections over the capacity.
        package var utilization: Double
        package var version: String
        /// In seconds since 1970, on the node's own clock.
        package var startedAt: Double
        /// In seconds, without regard to clocks.
        package var uptime: Double
        /// Seconds since it was last heard of.
        package var silence: Double

        package init(
            id: String, name: String, address: String, state: String, connections: Int, capacity: Int,
            utilization: Double, version: String, startedAt: Double, uptime: Double, silence: Double
        ) {
            self.id = id
            self.name = name
            self.address = address
            self.state = state
            self.connections = connections
            self.capacity = capacity
            self.utilization = utilization
            self.version = version
            self.startedAt = startedAt
            self.uptime = uptime
            self.silence = silence
        }
    }

    /// The id of the node that tells.
    package var node: String
    /// What connects the nodes: `redis`, or `memory`, with which a node is alone.
    package var bus: String
    /// What is out of order on the node that tells; while that is the bus, others may be missing here.
    package var degraded: [String]
    /// By name.
    package var nodes: [Node]
    /// Nodes that fell silent in the last five minutes without saying goodbye.
    package var lost: Int
    /// Names that several of them have, who live at the same time; each should have its own.
    package var namesakes: [String]
    package var connections: Int
    /// Advice: how many nodes there should be.
    package var desiredNodes: Int
    /// What the node that tells last decided about its share: `shed`, or why it sheds nothing.
    package var rebalance: String

    package init(
        node: String, bus: String, degraded: [String], nodes: [Node], lost: Int, namesakes: [String],
        connections: Int, desiredNodes: Int, rebalance: String
    ) {
        self.node = node
        self.bus = bus
        self.degraded = degraded
        self.nodes = nodes
        self.lost = lost
        self.namesakes = namesakes
        self.connections = connections
        self.desiredNodes = desiredNodes
        self.rebalance = rebalance
    }
}
