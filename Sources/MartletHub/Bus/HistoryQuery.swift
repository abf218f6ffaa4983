// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What is asked of a channel's stream.
package struct HistoryQuery: Hashable, Sendable {
    /// Only what stands beyond (or, in reverse, before) this; nil for all. An empty epoch stands for the present one.
    package var since: StreamPosition?
    /// Publications at most; 0 asks for the top alone, nil for all that are kept.
    package var limit: Int?
    /// Newest first.
    package var isReverse = false
    /// What the channel's namespace says; it keeps the position of a stream alive that is only read.
    package var history: HistoryOptions

    package init(
        since: StreamPosition? = nil, limit: Int? = nil, isReverse: Bool = false, history: HistoryOptions
    ) {
        self.since = since
        self.limit = limit
        self.isReverse = isReverse
        self.history = history
    }
}
