// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletPolicy
import Testing

struct DesiredNodesTests {
    @Test(arguments: [
        (0, 1), (1, 2), (6_000, 2), (9_000, 2), (9_001, 3), (14_000, 3), (70_000, 10), (70_001, 11),
    ])
    func headroomAndReserve(connections: Int, needed: Int) {
        #expect(DesiredNodes().nodes(connections: connections, capacity: 10_000, nodes: 1) == needed)
    }

    @Test func aLostNodeLeavesRoom() {
        for connections in stride(from: 1, to: 1_000_000, by: 997) {
            let nodes = DesiredNodes().nodes(connections: connections, capacity: 10_000, nodes: 1)
            #expect(Double(connections) <= Double(nodes - 1) * 9_000)
            #expect(Double(connections) <= Double(nodes) * 7_000)
        }
    }

    @Test func anEdgeDoesNotFlap() {
        var (nodes, changes) = (10, 0)
        for step in 0..<1_000 {
            // Five per cent up and down about an edge of the advice.
            let connections = 70_000 + (step.isMultiple(of: 2) ? 3_000 : -3_000)
            let advice = DesiredNodes().nodes(connections: connections, capacity: 10_000, nodes: nodes)
            if advice != nodes { changes += 1 }
            nodes = advice
        }
        #expect(changes == 1 && nodes == 11)
        #expect(DesiredNodes().nodes(connections: 20_000, capacity: 10_000, nodes: nodes) == 4)
    }

    @Test func whatNobodyMeantIsHarmless() {
        #expect(DesiredNodes().nodes(connections: 5, capacity: 0, nodes: 3) == 3)
        #expect(DesiredNodes().nodes(connections: 5, capacity: .nan, nodes: 0) == 1)
        #expect(DesiredNodes().nodes(connections: -5, capacity: 10, nodes: 0) == 1)
        #expect(
            DesiredNodes(utilization: 0, utilizationLost: .nan, spare: -3).nodes(
                connections: .max, capacity: 1, nodes: 1) == 1_000_000_000)
    }

    @Test func ofACluster() {
        let members = [
            MemberLoad(connections: 9_000, capacity: 10_000, firstSeen: 0),
            MemberLoad(connections: 9_000, capacity: 10_000, state: .draining, firstSeen: 0),
            MemberLoad(connections: 0, capacity: 10_000, state: .starting, firstSeen: 0),
        ]
        let cluster = ClusterLoad(members, recent: 3, now: 0, settling: 30)
        #expect(DesiredNodes().nodes(cluster) == 3)
        #expect(DesiredNodes().nodes(ClusterLoad([], recent: 0, now: 0, settling: 0)) == 1)
    }
}
