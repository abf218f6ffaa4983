// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Records that no reader can see any more, though this one should have.
package struct KafkaTruncation: Sendable, Hashable {
    package enum Cause: Sendable, Hashable {
        /// The next record to be read is gone: the topic dropped it, or was made anew.
        case position
        /// The topic begins later than the lookback reaches, so that what it dropped may have mattered. On a quiet
        /// topic that is possible, not certain.
        case horizon
    }

    /// The index in the configuration's topics.
    package var topic: Int
    package var partition: Int32
    package var cause: Cause
    /// Milliseconds since 1970 of the first record that is left; nil when none is.
    package var firstRetained: Int64?

    package init(topic: Int, partition: Int32, cause: Cause, firstRetained: Int64?) {
        self.topic = topic
        self.partition = partition
        self.cause = cause
        self.firstRetained = firstRetained
    }
}
