// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The rules that times in invalidations obey.
package enum InvalidationTime {
    /// The latest second there is; what lies above is milliseconds, and would lock users out for ever.
    package static let secondsMax = 1e11
    /// How far in the future a time may lie before another clock, and not ours, must be wrong.
    package static let leeway = 60.0

    /// Seconds as a number, or RFC 3339.
    static func read(_ value: JSONValue, _ text: Span<UInt8>) -> Double? {
        let seconds: Double?
        switch value.kind {
        case .number: seconds = value.double(in: text)
        case .string: seconds = value.string(in: text).flatMap(RFC3339.parse)
        default: seconds = nil
        }
        guard let seconds, seconds >= 0, seconds <= self.secondsMax else { return nil }
        return seconds
    }

    /// A time that is too far ahead of `latest` becomes `substitute`.
    static func clamp(
        _ time: Double, after latest: Double, to substitute: Double, _ isClamped: inout Bool
    ) -> Double {
        guard time > latest + self.leeway else { return time }
        isClamped = true
        return substitute
    }
}
