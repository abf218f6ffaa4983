// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Clients without a connection that have everything in common that matters.
struct Cohort: Sendable {
    var kind: ClientKind
    /// Attempts of an SDK in a row that failed.
    var attempt: UInt8 = 0
    /// Whether they were connected before.
    var isReturning = false
    /// The whole second since which they are without a connection.
    var since: Int32
    var count: Int

    /// The same for cohorts that may become one.
    var key: UInt64 {
        UInt64(UInt32(bitPattern: self.since)) << 32 | UInt64(self.attempt) << 8 | UInt64(self.kind.rawValue) << 1
            | (self.isReturning ? 1 : 0)
    }
}
