// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

extension NodeConfiguration {
    /// The keys that another configuration has other values for.
    package struct Changes: Equatable, Sendable {
        /// Those that a node takes over while it runs.
        package var live: [String] = []
        /// Those that it does not.
        package var fixed: [String] = []
    }

    package func changes(to fresh: NodeConfiguration) -> Changes {
        var changes = Changes()
        for key in Self.keys where key.read(self) != key.read(fresh) {
            if key.isLive { changes.live.append(key.name) } else { changes.fixed.append(key.name) }
        }
        if self.namespaces != fresh.namespaces { changes.live.append("namespaces") }
        return changes
    }

    /// What is in force after another configuration was read: its live keys, and the other ones of this.
    package func takingOver(_ fresh: NodeConfiguration) -> NodeConfiguration {
        var result = self
        result.auth.hmacSecret = fresh.auth.hmacSecret
        result.auth.publicKeys = fresh.auth.publicKeys
        result.api.keys = fresh.api.keys
        result.namespaces = fresh.namespaces
        result.rebalance = fresh.rebalance
        result.limits = fresh.limits
        // What reactors, buses and tables were made with.
        result.limits.headBytesMax = self.limits.headBytesMax
        result.limits.messageBytesMax = self.limits.messageBytesMax
        result.limits.publicationBytesMax = self.limits.publicationBytesMax
        result.limits.pendingBytesMax = self.limits.pendingBytesMax
        result.limits.pendingBytesTotalMax = self.limits.pendingBytesTotalMax
        result.limits.revocationsMax = self.limits.revocationsMax
        result.limits.historyStreamsMax = self.limits.historyStreamsMax
        result.limits.historyBytesMax = self.limits.historyBytesMax
        result.limits.idempotencyKeysMax = self.limits.idempotencyKeysMax
        result.limits.mailboxMax = self.limits.mailboxMax
        return result
    }
}
