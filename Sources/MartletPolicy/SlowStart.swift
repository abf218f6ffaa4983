// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// How much of its connect rate a node takes in the time after it became ready: from a part of it evenly up to all, so
/// that a balancer that looks for the fewest connections does not bury a new node.
package struct SlowStart: Hashable, Sendable {
    /// The part it begins with, above 0 up to 1.
    package let fraction: Double
    /// In nanoseconds; 0 for none.
    package let duration: Int64

    package init(fraction: Double, duration: Duration) {
        self.fraction = fraction.isFinite ? min(max(fraction, 0.001), 1) : 1
        self.duration = max(0, duration.nanoseconds)
    }

    /// Times the full rate, so many nanoseconds after the node became ready.
    package func factor(after elapsed: Int64) -> Double {
        guard elapsed < self.duration else { return 1 }
        return self.fraction + (1 - self.fraction) * Double(max(0, elapsed)) / Double(self.duration)
    }
}
