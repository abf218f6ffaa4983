// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// When a node gives connections away to others, and how many at once.
package struct RebalanceConfiguration: Sendable {
    package var isEnabled: Bool
    /// How far above its share a node may be, as a part of that share.
    package var tolerance: Double
    /// Connections that a node must be above its share: what chance alone brings about is not worth a reconnect.
    package var excessMin: Int
    /// How long it must be so.
    package var sustained: Duration
    /// How often a node decides.
    package var period: Duration
    /// Connections that a node sends away a second, at most.
    package var rate: Double
    /// How long a member is seen before it counts.
    package var settling: Duration

    package init(
        isEnabled: Bool = true, tolerance: Double = 0.05, excessMin: Int = 100, sustained: Duration = .seconds(30),
        period: Duration = .seconds(10), rate: Double = 100, settling: Duration = .seconds(30)
    ) {
        self.isEnabled = isEnabled
        self.tolerance = tolerance
        self.excessMin = excessMin
        self.sustained = sustained
        self.period = period
        self.rate = rate
        self.settling = settling
    }

    /// What is shed in a period goes evenly over most of it: all have gone when the next one decides anew.
    package static func sheddingTime(of period: Duration) -> Duration { period * 9 / 10 }
}
