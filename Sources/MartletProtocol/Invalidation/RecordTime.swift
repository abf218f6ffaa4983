// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// When a record was written, as the log that keeps it says.
package struct RecordTime: Hashable, Sendable {
    /// Since 1970.
    package var seconds: Double
    /// Whether the log itself says so, by its own clock, and not who wrote the record: nothing in the record can have
    /// happened later.
    package var isOfLog: Bool

    package init(_ seconds: Double, isOfLog: Bool = false) {
        self.seconds = seconds
        self.isOfLog = isOfLog
    }
}
