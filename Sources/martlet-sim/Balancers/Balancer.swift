// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Sends those who come to nodes.
protocol Balancer: Sendable {
    /// As it is called in reports.
    var name: String { get }

    /// Adds to `shares` how many of `count` each node gets.
    ///
    /// - Parameters:
    ///   - targets: Indexes of the nodes in rotation, ascending.
    ///   - view: What there is to know.
    ///   - shares: One a node, by its index.
    mutating func distribute(
        _ count: Int, over targets: [Int], _ view: BalancerView, _ random: inout SeededGenerator,
        into shares: inout [Int])
}
