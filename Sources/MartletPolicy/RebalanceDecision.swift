// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a node does about its share in one period.
package enum RebalanceDecision: Hashable, Sendable {
    case hold(Reason)
    /// End so many connections, evenly over the period that begins.
    case shed(Int)

    /// Why nothing is done; the name is a label of metrics.
    package enum Reason: String, CaseIterable, Sendable {
        /// It is switched off.
        case off
        /// The node itself is not one of those that carry a share: it starts, drains, or is too new.
        case unsettled
        /// No other node is there to take anything.
        case alone
        /// Fewer than half of the nodes that were there lately can be seen.
        case torn
        /// The node carries its share, or what is above it is tolerated.
        case even
        /// It is above, and not for long enough.
        case waiting
        /// A node turns clients away because too many come at once: there is a storm already.
        case refusing
        /// Others drain, enough of them that what they send away decides about who has too much.
        case draining
        /// The nodes together are full.
        case full
        /// What was sent away came back: the balancer is not for it, so it is left alone for a while.
        case resting
    }
}
