// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The identifier of an entry in a stream of Redis: when it was appended, and its number in that millisecond.
package struct StreamID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Before every entry.
    package static let zero = StreamID(milliseconds: 0, sequence: 0)

    /// Since 1970, by the clock of Redis.
    package var milliseconds: UInt64
    package var sequence: UInt64

    package init(milliseconds: UInt64, sequence: UInt64) {
        self.milliseconds = milliseconds
        self.sequence = sequence
    }

    /// `1767225600000-0`.
    package init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let milliseconds = UInt64(parts[0]), let sequence = UInt64(parts[1]) else { return nil }
        self.init(milliseconds: milliseconds, sequence: sequence)
    }

    package var description: String { "\(self.milliseconds)-\(self.sequence)" }

    /// Seconds since 1970.
    package var time: Double { Double(self.milliseconds) / 1_000 }

    package static func < (left: StreamID, right: StreamID) -> Bool {
        (left.milliseconds, left.sequence) < (right.milliseconds, right.sequence)
    }
}
