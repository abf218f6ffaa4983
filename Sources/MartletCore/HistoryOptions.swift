// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// How much of a channel's stream is kept.
package struct HistoryOptions: Hashable, Sendable {
    /// Publications that are kept, the latest.
    package var size: Int
    /// How long publications are kept after the latest of them came.
    package var ttl: Duration

    package init(size: Int, ttl: Duration) {
        self.size = size
        self.ttl = ttl
    }
}
