// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Whoever has fewest connections, as far as the balancer knows.
///
/// Several balancers share nothing: each knows what it sent itself, and hears of everything else late. So all of them
/// send to the same empty node until they hear of each other's. A node that came into rotation lately counts as fuller
/// than it is (`slowstart` of HAProxy).
struct LeastConnections: Balancer {
    var name: String { "least connections" }
    /// Balancers that share nothing.
    let instances: Int
    /// Seconds between what they hear of others' connections.
    let delay: Double
    /// Seconds until a new node gets its full share.
    let slowStart: Double
    private var known: [Int] = []
    private var sent: [Int] = []
    private var refreshedAt = -Double.infinity

    init(instances: Int = 2, delay: Double = 1, slowStart: Double = 60) {
        self.instances = max(1, instances)
        self.delay = delay
        self.slowStart = slowStart
    }

    mutating func distribute(
        _ count: Int, over targets: [Int], _ view: BalancerView, _ random: inout SeededGenerator,
        into shares: inout [Int]
    ) {
        guard !targets.isEmpty, count > 0 else { return }
        if view.now - self.refreshedAt >= self.delay || self.known.count > view.open.count {
            self.refreshedAt = view.now
            self.known = view.open
            self.sent = Array(repeating: 0, count: view.open.count)
        }
        for index in self.known.count..<max(self.known.count, view.open.count) {
            self.known.append(view.open[index])
            self.sent.append(0)
        }
        // Who comes is spread over the balancers; all of them know the same and decide the same.
        let (each, rest) = count.quotientAndRemainder(dividingBy: self.instances)
        for (part, copies) in [(each + 1, rest), (each, self.instances - rest)] where part > 0 && copies > 0 {
            for (target, share) in zip(targets, self.fill(part, targets, view)) where share > 0 {
                shares[target] += share * copies
                self.sent[target] += share * copies
            }
        }
    }

    /// Pours `count` into the emptiest until they stand level.
    private func fill(_ count: Int, _ targets: [Int], _ view: BalancerView) -> [Int] {
        let weights = targets.map { target in
            guard self.slowStart > 0 else { return 1.0 }
            return min(1, max(0.02, (view.now - view.rotatedIn[target]) / self.slowStart))
        }
        let levels = targets.indices.map { index in
            let target = targets[index]
            return (Double(self.known[target]) + Double(self.sent[target]) / Double(self.instances)) / weights[index]
        }
        let order = targets.indices.sorted { (levels[$0], $0) < (levels[$1], $1) }
        var weight = 0.0
        var held = 0.0
        var level = 0.0
        var filled = 0
        for (position, index) in order.enumerated() {
            weight += weights[index]
            held += levels[index] * weights[index]
            level = (Double(count) + held) / weight
            filled = position + 1
            if filled < order.count, level <= levels[order[filled]] { break }
        }
        var shares = Array(repeating: 0, count: targets.count)
        var left = count
        var carry = 0.0
        for index in order.prefix(filled) {
            // Whole clients: what is cut off here is added there.
            carry += max(0, (level - levels[index]) * weights[index])
            let share = min(left, Int(carry.rounded()))
            carry -= Double(share)
            shares[index] = share
            left -= share
        }
        if left > 0, let first = order.first { shares[first] += left }
        return shares
    }
}
