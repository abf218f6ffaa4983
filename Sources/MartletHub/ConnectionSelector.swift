// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// Which connections an operator or a back-end service means.
package enum ConnectionSelector: Hashable, Sendable {
    /// All connections of a user, or those of one of its sessions, but for these.
    case user(String, session: String?, keep: Set<ConnectionID> = [])
    /// One connection, if it is this user's.
    case connection(ConnectionID, user: String)
    /// All connections of a session, whoever's it is.
    case session(String)
    /// All that showed this token.
    case token(String)
}
