// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Something that happens to the cluster.
enum Fault: Sendable {
    /// So many nodes are gone at once; their pods run again after so many seconds, and catch up.
    case crash(nodes: Int, at: Double, restartAfter: Double)
    /// The number of nodes wanted is set by hand.
    case scale(to: Int, at: Double)
    /// Every node is replaced, one after the other.
    case upgrade(at: Double)

    var at: Double {
        switch self {
        case .crash(_, let at, _), .scale(_, let at), .upgrade(let at): at
        }
    }
}
