// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Advice on how many nodes there should be that stands while the cluster is not seen whole: an outage of the bus, or a
/// drain of all nodes, must not make anybody end nodes.
///
/// It may be asked at any time, and must be asked often enough not to miss that the cluster was not seen.
package struct SteadyAdvice: Sendable {
    private let desired: DesiredNodes
    private let silence: Int64
    private var last: Int?
    /// When the cluster was last not seen whole.
    private var blindAt: Int64?

    /// - Parameter silence: How long it may take until all have been heard of again, in nanoseconds.
    package init(_ desired: DesiredNodes, silence: Int64) {
        self.desired = desired
        self.silence = silence
    }

    /// - Parameters:
    ///   - isCutOff: Whether the bus does not carry, so that what is seen of the others is what was.
    ///   - now: In monotonic nanoseconds.
    package mutating func nodes(_ cluster: ClusterLoad, isCutOff: Bool, now: Int64) -> Int {
        let nodes = self.desired.nodes(cluster)
        if isCutOff || cluster.isTorn || cluster.mayLackSome || cluster.serving == 0 { self.blindAt = now }
        let isBlind = self.blindAt.map { now - $0 <= self.silence } ?? false
        // Those who are seen may need more all the same.
        let advice = isBlind ? max(self.last ?? nodes, nodes) : nodes
        self.last = advice
        return advice
    }
}
