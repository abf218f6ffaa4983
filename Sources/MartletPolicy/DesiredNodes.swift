// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// How many nodes a cluster should have for the connections it holds: advice for whoever scales it.
///
/// Two things are asked of the number, and the greater answer holds: that all connections fill the nodes to
/// `utilization` at most, which is the headroom for growth; and that with `spare` nodes lost they fill those that are
/// left to `utilizationLost` at most. An advice to go down is given only where it would stand with a tenth more
/// connections, so that a number at an edge does not go up and down.
package struct DesiredNodes: Sendable {
    /// More connections that an advice to go down must bear.
    private static let reluctance = 1.1

    package var utilization: Double
    package var utilizationLost: Double
    package var spare: Int

    package init(utilization: Double = 0.7, utilizationLost: Double = 0.9, spare: Int = 1) {
        self.utilization = utilization
        self.utilizationLost = utilizationLost
        self.spare = spare
    }

    /// - Parameters:
    ///   - connections: Open connections of the whole cluster.
    ///   - capacity: What one node takes.
    ///   - nodes: How many there are.
    /// - Returns: At least one, and with connections one more than `spare`; `nodes` where no capacity is known.
    package func nodes(connections: Int, capacity: Double, nodes: Int) -> Int {
        guard capacity > 0, capacity.isFinite else { return max(1, nodes) }
        let needed = self.nodes(Double(max(0, connections)), capacity)
        if needed >= nodes { return needed }
        return min(nodes, self.nodes(Double(max(0, connections)) * Self.reluctance, capacity))
    }

    /// The same, of a cluster as a node sees it: nodes that start or drain are not counted, their connections are.
    /// Where no node serves, what all of them take is the measure.
    package func nodes(_ cluster: ClusterLoad) -> Int {
        guard cluster.serving == 0 else {
            let capacity = Double(cluster.servingCapacity) / Double(cluster.serving)
            return self.nodes(connections: cluster.connections, capacity: capacity, nodes: cluster.serving)
        }
        let capacity = cluster.told > 0 ? Double(cluster.toldCapacity) / Double(cluster.told) : 0
        return self.nodes(connections: cluster.connections, capacity: capacity, nodes: cluster.present)
    }

    private func nodes(_ connections: Double, _ capacity: Double) -> Int {
        guard connections > 0 else { return 1 }
        let filled = connections / (capacity * Self.part(self.utilization))
        let lost = connections / (capacity * Self.part(self.utilizationLost))
        let most = 1e9
        return max(Int(min(filled.rounded(.up), most)), Int(min(lost.rounded(.up), most)) + max(0, self.spare))
    }

    private static func part(_ value: Double) -> Double { value.isFinite ? min(max(value, 0.01), 1) : 1 }
}
