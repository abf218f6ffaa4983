// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The bounds of what a shard does for its streams. Shared by them all, and so a class.
package final class StreamLimits: Sendable {
    /// Publications that one recovery gives, and that one read asks for.
    package let recoveryPublicationsMax: Int
    /// Bytes of their data: more than a connection may have pending would end it as slow, to come back with the same.
    package let recoveryBytesMax: Int
    /// Publications, and their bytes, that one channel holds back while it is read what precedes them.
    package let heldPublicationsMax: Int
    package let heldBytesMax: Int
    /// Bytes of publications that one channel keeps for those who come back together.
    package let tailBytesMax: Int
    /// How long it keeps them.
    package let tailLifetime: Duration
    /// Reads under way in one shard; the others queue.
    package let readsMax: Int
    /// Position checks that queue behind other reads.
    package let queuedChecksMax: Int
    /// Time between comparisons of a quiet channel's position with the stream's.
    package let checkInterval: Duration
    /// Time before a failed read is tried again: doubled with each failure, up to the ceiling.
    package let retryBase: Duration
    package let retryCeiling: Duration
    /// Failed reads in a row after which positions count as lost.
    package let readFailuresMax: Int
    /// Subscriptions of a shard that are told of a lost position in 100 ms, because each comes back at once.
    package let lossesPerTickMax: Int

    package init(
        recoveryPublicationsMax: Int = 300, recoveryBytesMax: Int = 524_288, heldPublicationsMax: Int = 1_024,
        heldBytesMax: Int = 4_194_304,
        tailBytesMax: Int = 4_194_304, tailLifetime: Duration = .seconds(5), readsMax: Int = 64,
        queuedChecksMax: Int = 1_024, checkInterval: Duration = .seconds(40),
        retryBase: Duration = .milliseconds(200), retryCeiling: Duration = .seconds(5), readFailuresMax: Int = 8,
        lossesPerTickMax: Int = 200
    ) {
        self.recoveryPublicationsMax = recoveryPublicationsMax
        self.recoveryBytesMax = recoveryBytesMax
        self.heldPublicationsMax = heldPublicationsMax
        self.heldBytesMax = heldBytesMax
        self.tailBytesMax = tailBytesMax
        self.tailLifetime = tailLifetime
        self.readsMax = readsMax
        self.queuedChecksMax = queuedChecksMax
        self.checkInterval = checkInterval
        self.retryBase = retryBase
        self.retryCeiling = retryCeiling
        self.readFailuresMax = readFailuresMax
        self.lossesPerTickMax = lossesPerTickMax
    }
}
