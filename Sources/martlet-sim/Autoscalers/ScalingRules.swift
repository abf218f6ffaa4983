// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// One direction of `behavior` in a HorizontalPodAutoscaler.
struct ScalingRules: Sendable {
    struct Policy: Sendable {
        enum Kind: Sendable { case percent, pods }

        var kind: Kind
        var value: Int
        /// In seconds.
        var period: Double
    }

    /// In seconds.
    var stabilizationWindow: Double
    /// With `selectPolicy: Max` the one counts that allows the most.
    var policies: [Policy]
}
