// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// How a connection subscribes.
package struct SubscribeOptions: Sendable {
    /// The caller's own number for the command, given back by `ShardEdge.subscribed`.
    package var ticket: UInt32
    package var flags: SubscriptionFlags
    /// How much is kept of the channel's stream; nil where the channel has none.
    package var history: HistoryOptions?
    /// Time between comparisons of a quiet channel's position; zero for never, nil for the shard's own.
    package var positionCheck: Duration?
    /// Where the client was, if it wants what it missed.
    package var since: StreamPosition?
    /// What it is given of that.
    package var recovery: NamespaceOptions.Recovery

    package init(
        ticket: UInt32 = 0, flags: SubscriptionFlags = [], history: HistoryOptions? = nil,
        since: StreamPosition? = nil, recovery: NamespaceOptions.Recovery = .off
    ) {
        self.ticket = ticket
        self.flags = flags
        self.history = history
        self.since = since
        self.recovery = recovery
    }
}
