// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// How many are in a channel.
package struct PresenceStats: Hashable, Sendable {
    package var clients: Int
    /// Different users among them.
    package var users: Int

    package init(clients: Int, users: Int) {
        self.clients = clients
        self.users = users
    }
}
