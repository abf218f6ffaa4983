// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The bounds of what a shard does for its streams.
package struct StreamLimits: Sendable {
    /// Publications that one recovery gives, and that one read asks for.
    package var recoveryPublicationsMax = 300
    /// Bytes of their data: more than a connection may have pending would end it as slow, to come back with the same.
    package var recoveryBytesMax = 524_288
    /// Publications, and their bytes, that one channel holds back while it is read what precedes them.
    package var heldPublicationsMax = 1_024
    package var heldBytesMax = 4_194_304
    /// Bytes of publications that one channel keeps for those who come back together.
    package var tailBytesMax = 4_194_304
    /// How long it keeps them.
    package var tailLifetime: Duration = .seconds(5)
    /// Reads under way in one shard; the others queue.
    package var readsMax = 64
    /// Position checks that queue behind other reads.
    package var queuedChecksMax = 1_024
    /// Time between comparisons of a quiet channel's position with the stream's.
    package var checkInterval: Duration = .seconds(40)
    /// Time before a failed read is tried again: doubled with each failure, up to the ceiling.
    package var retryBase: Duration = .milliseconds(200)
    package var retryCeiling: Duration = .seconds(5)
    /// Failed reads in a row after which positions count as lost.
    package var readFailuresMax = 8
    /// Subscriptions of a shard that are told of a lost position in 100 ms, because each comes back at once.
    package var lossesPerTickMax = 200

    package init() {}
}
