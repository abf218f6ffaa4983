// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What it costs to end a node, for who chooses one to end (Kubernetes' `controller.kubernetes.io/pod-deletion-cost`,
/// where the lowest goes first and what says nothing has 0).
package enum DeletionCost {
    /// Grows with the open connections, up to what an `Int32` holds; a node that drains anyway is below all others.
    ///
    /// Two digits are kept: a cost that follows every connection would be written all the time, and who compares nodes
    /// needs no more.
    package static func cost(connections: Int, isDraining: Bool) -> Int32 {
        if isDraining { return -1 }
        var (digits, unit) = (max(0, connections), 1)
        while digits >= 100 {
            digits /= 10
            unit *= 10
        }
        return Int32(clamping: digits * unit)
    }
}
