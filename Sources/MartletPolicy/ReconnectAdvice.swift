// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// When a client that is sent away should come back: spread out, so that those sent away together do not return
/// together.
package enum ReconnectAdvice {
    /// Between half of `base` and one and a half times it.
    ///
    /// - Parameter random: Drawn from 0..<1.
    package static func delay(_ base: Duration, random: Double = .random(in: 0..<1)) -> Duration {
        base * (0.5 + random)
    }

    /// The same, for fields that count in milliseconds (`retry:`).
    package static func milliseconds(_ base: Duration, random: Double = .random(in: 0..<1)) -> Int {
        let (seconds, attoseconds) = Self.delay(base, random: random).components
        return max(1, Int(clamping: min(seconds, 1_000_000_000) * 1_000 + attoseconds / 1_000_000_000_000_000))
    }
}
