// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore
import Synchronization

/// The sessions with an open connection on this node, each once, and when each is to be asked about next.
///
/// Shards tell it of connections; `ValidationService` takes what is due. A session whose last connection goes stays,
/// within a bound, until it would have been asked about, so that its next connection inherits its due time and its last
/// good answer, and reconnecting often escapes nothing.
package final class SessionRoster: Sendable {
    private let roster: Mutex<Roster>

    package init(_ configuration: ValidationConfiguration, metrics: SessionMetrics? = nil) {
        self.roster = Mutex(Roster(configuration))
        metrics?.observe(self)
    }

    /// Sessions with an open connection.
    package var count: Int { self.roster.withLock { $0.count } }
    /// Memory of the roster, without the identities, which connections share.
    package var bytes: Int { self.roster.withLock { $0.bytes } }

    package func opened(_ identity: Identity, now: Int64 = Clock.monotonic) {
        guard !identity.isAnonymous else { return }
        let key = identity.sessionKey
        self.roster.withLock { $0.opened(identity, key, now) }
    }

    package func closed(_ identity: Identity) {
        guard !identity.isAnonymous else { return }
        let key = identity.sessionKey
        self.roster.withLock { $0.closed(key) }
    }

    /// A connection's token was refreshed.
    package func replaced(_ old: Identity, by new: Identity, now: Int64 = Clock.monotonic) {
        self.opened(new, now: now)
        self.closed(old)
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
