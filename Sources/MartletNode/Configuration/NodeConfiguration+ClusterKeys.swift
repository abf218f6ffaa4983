// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletPolicy

/// How a node lives with others.
extension NodeConfiguration {
    static let clusterKeys: [Key] = Self.rebalanceKeys.map(\.live) + Self.slowStartKeys + Self.scalingKeys

    private static func value<Value>(
        _ name: String, _ path: Key.Path<Value>, _ codec: ConfigurationCodec<Value>, _ summary: String
    ) -> Key {
        .value(name, path, codec, in: NodeConfiguration(), summary)
    }

    private static let rebalanceKeys: [Key] = [
        Self.value(
            "rebalance.enabled", \.rebalance.isEnabled, .boolean,
            "Whether a node that holds more than its share sends connections to others. It needs `redis.urls`."),
        Self.value(
            "rebalance.tolerance", \.rebalance.tolerance, .fraction,
            "How far above its share a node may be, as a part of it: `0.05` is five per cent."),
        Self.value(
            "rebalance.excess_min", \.rebalance.excessMin, .integer(1...Int.max),
            "Connections that it must be above its share: less is chance, and not worth a reconnect."),
        Self.value(
            "rebalance.sustained", \.rebalance.sustained, .duration(),
            "How long it must have been above before anybody is sent away."),
        Self.value(
            "rebalance.period", \.rebalance.period, .duration(from: .seconds(1)),
            "How often a node decides. In a period it sends away half of what is too much, at most."),
        Self.value(
            "rebalance.rate", \.rebalance.rate, .positive, "Connections that a node sends away a second, at most."),
        Self.value(
            "rebalance.settling", \.rebalance.settling, .duration(),
            "How long a node must have been seen before its share counts."),
    ]

    private static let slowStartKeys: [Key] = [
        Self.value(
            "slow_start.duration", \.slowStart.duration, .duration(),
            "After it became ready, the time over which a node's `limits.connects_per_second` rises to all of it; "
                + "`0s` for none."),
        Self.value(
            "slow_start.fraction", \.slowStart.fraction, .fraction,
            "The part of `limits.connects_per_second` that it begins with."),
    ]

    private static let scalingKeys: [Key] = [
        Self.value(
            "scaling.utilization", \.scaling.utilization, .fraction,
            "How full nodes should be at most, for the advice `martlet_desired_nodes`."),
        Self.value(
            "scaling.utilization_lost", \.scaling.utilizationLost, .fraction,
            "How full they may be while `scaling.spare_nodes` of them are lost."),
        Self.value(
            "scaling.spare_nodes", \.scaling.spareNodes, .integer(0...1_000),
            "Nodes whose loss the others must be able to bear."),
    ]
}
