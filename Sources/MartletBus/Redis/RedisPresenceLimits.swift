// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// How a node's presence is kept in Redis, and the bounds of that.
package struct RedisPresenceLimits: Sendable {
    /// For which the presence of a node that says nothing any more is believed, and how often a node says something.
    package var leaseTTL: Duration = .seconds(10)
    package var leaseInterval: Duration = .seconds(3)
    /// For which a channel's presence that nobody looks at is kept.
    package var channelTTL: Duration = .seconds(3600)
    /// Commands in a tenth of a second while all presence is written again.
    package var commandsPerTick = 100
    /// Entries in one command, and entries that may wait because Redis refuses them.
    package var fieldsMax = 256
    package var waitingMax = 65_536

    package init() {}
}
