// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletPolicy
import Testing

@testable import martlet_sim

@Suite("Nodes")
struct NodeTests {
    private static let model = NodeModel()

    private static func load(_ connections: Int, _ state: MemberLoad.State = .serving) -> MemberLoad {
        MemberLoad(
            connections: connections, capacity: Self.model.connectionsMax, state: state,
            firstSeen: -3_600_000_000_000)
    }

    private static func cluster(_ others: [MemberLoad]) -> ClusterLoad {
        ClusterLoad([Self.load(20_000)] + others, recent: 1 + others.count, now: 0, settling: 0)
    }

    /// Holds 20,000, and has just been told to shed, at the second 30.
    private static func shedding() -> SimulatedNode {
        var node = SimulatedNode(Self.model, now: 0, seed: 1)
        node.startSettled(at: 0)
        node.fill(20_000, now: 0)
        for now in stride(from: 0.0, through: 30, by: 10) { node.decide(now: now, Self.cluster([Self.load(0)])) }
        return node
    }

    @Test("What is shed in a period goes evenly over nine tenths of it, whatever the step", arguments: [0.25, 1, 3])
    func pace(step: Double) {
        var node = Self.shedding()
        for now in stride(from: 30 + step, through: 39, by: step) {
            _ = node.shed(at: now)
            #expect(abs(Double(node.shed) - 1_000 * (now - 30) / 9) <= 1)
        }
        _ = node.shed(at: 60)
        #expect(node.shed == 1_000 && node.open == 19_000)
    }

    @Test("It stops where another drains")
    func stops() {
        var node = Self.shedding()
        #expect(node.shed(at: 33) > 300)
        node.heard(Self.cluster([Self.load(0)]), now: 33)
        #expect(node.shed(at: 34) > 100)
        node.heard(Self.cluster([Self.load(0), Self.load(500, .draining)]), now: 34)
        #expect(node.shed(at: 36) == 0)
    }

    @Test("Its advice is the policy's, and stands while no node serves")
    func advice() {
        var node = Self.shedding()
        let cluster = Self.cluster([Self.load(50_000), Self.load(30_000, .starting)])
        let advice = DesiredNodes().nodes(cluster)
        #expect(advice > 1 && node.desiredNodes(cluster, now: 30) == advice)
        node.heard(ClusterLoad([Self.load(0, .draining)], recent: 3, now: 0, settling: 0), now: 32)
        #expect(node.desiredNodes(Self.cluster([]), now: 34) == advice)
    }

    // MARK: - What nodes know of each other

    @Test("Who is lost counts as there for ten seconds, and is missed for five minutes")
    func silence() throws {
        var announcements = Announcements(Self.model)
        #expect(announcements.view(of: 0, Self.load(1))?.present == nil)
        announcements.lose(Self.load(7), 100)
        for (now, present, recent) in [(110.0, 2, 2), (112, 1, 2), (400, 1, 2), (402, 1, 1)] {
            announcements.announce([(0, Self.load(1))], now)
            let view = try #require(announcements.view(of: 0, Self.load(1)))
            #expect(view.present == present && view.recent == recent, "\(now)")
        }
    }

    @Test("A node remembers those that came first, and itself")
    func memory() throws {
        var model = Self.model
        model.membersMax = 3
        var announcements = Announcements(model)
        let loads = (0..<5).map { (index: $0, load: Self.load(1 << $0)) }
        announcements.announce(loads, 0)
        let views = loads.map { announcements.view(of: $0.index, $0.load)?.connections }
        #expect(views == [7, 7, 7, 15, 23])
    }
}
