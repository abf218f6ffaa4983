// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The node's two clocks: one that never steps, for deadlines and retention, and the wall, for tokens and events.
package enum Clock {
    private static let origin = ContinuousClock.now

    /// Nanoseconds since this process first asked; never goes back.
    package static var monotonic: Int64 {
        let elapsed = Self.origin.duration(to: .now).components
        return elapsed.seconds &* 1_000_000_000 &+ elapsed.attoseconds / 1_000_000_000
    }

    /// Seconds since 1970.
    package static var wall: Double { Date().timeIntervalSince1970 }
}

extension Duration {
    /// The whole of it in nanoseconds, held within what an `Int64` can say.
    package var nanoseconds: Int64 {
        let (seconds, attoseconds) = self.components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, carried) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carried ? (seconds < 0 ? .min : .max) : sum
    }

    package var inSeconds: Double {
        Double(self.components.seconds) + Double(self.components.attoseconds) / 1e18
    }
}
