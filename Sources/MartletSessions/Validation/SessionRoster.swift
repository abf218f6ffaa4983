// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore
import MartletInstruments
package import MartletPolicy
import Synchronization

/// The sessions that have a connection on this node, each with when it is to be asked about next.
///
/// Shards tell it of connections; `ValidationService` takes what is due. A session whose last connection goes stays,
/// within a bound, so that its next connection inherits its turn and its last good answer: reconnecting often escapes
/// nothing.
package final class SessionRoster: Sendable {
    private let roster: Mutex<Roster>
    private let unit: ValidationUnit
    private let metrics: SessionMetrics?

    package init(
        _ configuration: ValidationConfiguration, metrics: SessionMetrics? = nil, now: Int64 = Clock.monotonic
    ) {
        self.roster = Mutex(Roster(configuration, now: now))
        self.unit = configuration.unit
        self.metrics = metrics
        metrics?.observe(self)
    }

    /// Sessions with an open connection.
    package var count: Int { self.roster.withLock { $0.count } }
    /// Sessions without one that are remembered.
    package var lingering: Int { self.roster.withLock { $0.lingering } }
    /// Memory of the roster, without the identities, which connections share.
    package var bytes: Int { self.roster.withLock { $0.bytes } }

    package func opened(_ identity: Identity, now: Int64 = Clock.monotonic) {
        guard let key = self.unit.key(of: identity) else {
            if !identity.isAnonymous { self.metrics?.validationImpossible.add() }
            return
        }
        self.roster.withLock { $0.opened(identity, key, now) }
    }

    package func closed(_ identity: Identity, now: Int64 = Clock.monotonic) {
        guard let key = self.unit.key(of: identity) else { return }
        self.roster.withLock { $0.closed(key, now) }
    }

    /// A connection's token was refreshed.
    package func replaced(_ old: Identity, by new: Identity, now: Int64 = Clock.monotonic) {
        self.opened(new, now: now)
        self.closed(old, now: now)
    }

    /// How the session of this key stands; nil where it has no connection here, and had none lately.
    package func standing(of key: String, now: Int64 = Clock.monotonic) -> SessionStanding? {
        self.roster.withLock { $0.standing(of: key, now) }
    }

    /// Runs a step of the service under the lock; kept short by the service.
    func withLock<Result: Sendable>(_ body: (inout sending Roster) -> sending Result) -> sending Result {
        self.roster.withLock(body)
    }
}
