// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletPolicy
import Testing

/// The policy on all nodes of random clusters, with what it meets there: views of the cluster that are seconds old,
/// clients that take their time, balancers of all kinds.
struct RebalanceClusterTests {
    enum Balancer: CaseIterable {
        /// All but the one that knows sizes go by counts, as HAProxy, nginx and Envoy do without weights.
        case roundRobin, leastConnections, leastFull, random, fewestOfTwo, firstWithRoom
    }

    private struct Model {
        struct Node {
            var policy: RebalancePolicy
            var load: MemberLoad
            /// What it sheds, since which second, and what of it has gone.
            var shedding: (pace: DrainPace, since: Int, closed: Int)?
            var hasShed = false
            /// Well below its share, after it shed.
            var isBelow = false
            /// Times that it shed, was well below its share, and shed again.
            var reversals = 0
        }

        let configuration = RebalanceConfiguration()
        var nodes: [Node]
        var random: SplitMix
        let balancer: Balancer
        private var cursor = 0
        private var views: [[MemberLoad]] = []
        /// Clients that come back, by second.
        private var coming: [Int] = []
        private(set) var shedPerMinute: [Int] = []
        private(set) var mostAtOnce = 0

        init(seed: UInt64, balancer: Balancer) {
            self.random = SplitMix(state: seed)
            self.balancer = balancer
            let count = Int.random(in: 2...12, using: &self.random)
            let isUniform = Bool.random(using: &self.random)
            let configuration = self.configuration
            var random = self.random
            self.nodes = (0..<count).map { _ in
                let capacity = isUniform ? 20_000 : Int.random(in: 10_000...30_000, using: &random)
                let connections = Int.random(in: 0...capacity * 8 / 10, using: &random)
                return Node(
                    policy: RebalancePolicy(configuration),
                    load: MemberLoad(connections: connections, capacity: capacity, firstSeen: -60_000_000_000))
            }
            self.random = random
        }

        /// Nodes of these capacities with these connections.
        init(_ nodes: [(capacity: Int, connections: Int)], balancer: Balancer) {
            self.init(seed: 1, balancer: balancer)
            self.nodes = nodes.map { node in
                Node(
                    policy: RebalancePolicy(self.configuration),
                    load: MemberLoad(
                        connections: node.connections, capacity: node.capacity, firstSeen: -60_000_000_000))
            }
        }

        var utilization: Double {
            Double(self.nodes.reduce(0) { $0 + $1.load.connections })
                / Double(self.nodes.reduce(0) { $0 + $1.load.capacity })
        }

        var excess: Double {
            let utilization = self.utilization
            return self.nodes.reduce(0) {
                $0 + max(0, Double($1.load.connections) - utilization * Double($1.load.capacity))
            }
        }

        var maxOverMean: Double {
            let most = self.nodes.map { Double($0.load.connections) / Double($0.load.capacity) }.max() ?? 0
            return most / self.utilization
        }

        mutating func run(seconds: Int) {
            self.coming = Array(repeating: 0, count: seconds + 20)
            for second in 0..<seconds {
                for _ in 0..<self.coming[second] { self.connect() }
                self.views.append(self.nodes.map(\.load))
                if second.isMultiple(of: 60) { self.shedPerMinute.append(0) }
                for index in self.nodes.indices where (second + index).isMultiple(of: 10) { self.decide(index, second) }
                self.shed(second)
            }
        }

        /// With a view that is up to three seconds old.
        private mutating func decide(_ index: Int, _ second: Int) {
            let now = Int64(second) * 1_000_000_000
            let view = self.views[max(0, second - Int.random(in: 0...3, using: &self.random))]
            let cluster = ClusterLoad(
                view, recent: view.count, now: now, settling: self.nodes[index].policy.settling)
            let own = self.nodes[index].load
            if case .shed(let count) = self.nodes[index].policy.decide(now: now, own: own, cluster: cluster) {
                let window = RebalanceConfiguration.sheddingTime(of: self.configuration.period)
                self.nodes[index].shedding = (DrainPace(connections: count, window: window), second, 0)
                self.mostAtOnce = max(self.mostAtOnce, count)
                self.nodes[index].hasShed = true
                if self.nodes[index].isBelow {
                    self.nodes[index].reversals += 1
                    self.nodes[index].isBelow = false
                }
            } else if self.nodes[index].hasShed,
                Double(own.connections) < cluster.utilization * Double(own.capacity) * 0.95
            {
                self.nodes[index].isBelow = true
            }
        }

        private mutating func shed(_ second: Int) {
            for index in self.nodes.indices {
                guard let shedding = self.nodes[index].shedding else { continue }
                let elapsed = Int64(second - shedding.since) * 1_000_000_000
                let count = shedding.pace.toClose(after: elapsed, closed: shedding.closed)
                self.nodes[index].shedding?.closed += count
                self.nodes[index].load.connections -= count
                self.shedPerMinute[self.shedPerMinute.count - 1] += count
                for _ in 0..<count { self.coming[second + Int.random(in: 1...8, using: &self.random)] += 1 }
            }
        }

        /// What is full is left out, as a balancer does that asks `/readyz`.
        private mutating func connect() {
            for _ in 0..<100 {
                let index = self.pick()
                guard self.nodes[index].load.connections < self.nodes[index].load.capacity else { continue }
                self.nodes[index].load.connections += 1
                return
            }
        }

        private mutating func pick() -> Int {
            switch self.balancer {
            case .roundRobin:
                self.cursor += 1
                return self.cursor % self.nodes.count
            case .random: return Int.random(in: self.nodes.indices, using: &self.random)
            case .leastConnections: return self.nodes.indices.min { self.count($0) < self.count($1) } ?? 0
            case .leastFull: return self.nodes.indices.min { self.fill($0) < self.fill($1) } ?? 0
            case .fewestOfTwo:
                let one = Int.random(in: self.nodes.indices, using: &self.random)
                let other = Int.random(in: self.nodes.indices, using: &self.random)
                return self.count(one) < self.count(other) ? one : other
            case .firstWithRoom:
                return self.nodes.firstIndex { $0.load.connections < $0.load.capacity } ?? 0
            }
        }

        private func count(_ index: Int) -> Int {
            let load = self.nodes[index].load
            return load.connections < load.capacity ? load.connections : .max
        }

        private func fill(_ index: Int) -> Double {
            Double(self.nodes[index].load.connections) / Double(self.nodes[index].load.capacity)
        }
    }

    /// Eight hours of a cluster whose nodes hold anything from nothing to nearly all they can.
    @Test(arguments: Balancer.allCases, 1...8 as ClosedRange<UInt64>)
    func anyClusterComesToRest(balancer: Balancer, seed: UInt64) {
        var model = Model(seed: seed, balancer: balancer)
        let (total, excess) = (model.nodes.reduce(0) { $0 + $1.load.connections }, model.excess)
        let uniform = Set(model.nodes.map(\.load.capacity)).count == 1
        let loads = model.nodes.map { ($0.load.connections, $0.load.capacity) }
        model.run(seconds: 8 * 3_600)
        let shed = model.shedPerMinute.reduce(0, +)
        let context = Comment("\(loads), of \(total) \(Int(excess)) were too many, shed \(model.shedPerMinute)")
        #expect(model.mostAtOnce <= 1_000)
        #expect(model.nodes.allSatisfy { $0.reversals == 0 }, context)
        // Rests double: what is shed in vain becomes rare with any balancer.
        #expect(model.shedPerMinute.suffix(60).allSatisfy { $0 == 0 }, context)
        let isEvened: Bool
        switch balancer {
        case .leastFull, .fewestOfTwo, .random, .roundRobin: isEvened = true
        // Who goes by counts alone gives small nodes as many as large ones, whatever these send away.
        case .leastConnections: isEvened = uniform
        case .firstWithRoom: isEvened = false
        }
        if isEvened {
            #expect(model.maxOverMean <= 1.1, context)
            #expect(model.shedPerMinute.dropFirst(60).allSatisfy { $0 == 0 }, context)
        }
        if balancer == .leastFull { #expect(Double(shed) <= 4 * excess + 1_000, context) }
    }

    /// The small one of two has a little too much, is even for the moment that its clients need to come back, and has
    /// too much again.
    @Test(arguments: [22_000, 22_200, 22_400, 23_000, 25_000, 30_000])
    func nodesOfNearlyOneSizeComeToRest(capacity: Int) {
        var model = Model([(20_000, 10_000), (capacity, 10_000)], balancer: .leastConnections)
        let excess = model.excess
        model.run(seconds: 8 * 3_600)
        let context = Comment("\(Int(excess)) were too many, shed \(model.shedPerMinute)")
        #expect(model.shedPerMinute.contains { $0 > 0 }, context)
        #expect(Double(model.shedPerMinute.reduce(0, +)) <= 20 * excess, context)
        #expect(model.shedPerMinute.suffix(60).allSatisfy { $0 == 0 }, context)
        #expect(model.nodes.allSatisfy { $0.reversals == 0 }, context)
    }
}

/// Chance that is the same in every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var bits = self.state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
