// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// What one shard, or one node, did for a `UserCommand`.
package struct UserOutcome: Sendable {
    /// An open connection, as an operator sees it.
    package struct Connection: Hashable, Sendable {
        package var client: String
        package var transport: String
        package var proto: String
        package var channels: [String]

        package init(client: String, transport: String, proto: String, channels: [String]) {
            self.client = client
            self.transport = transport
            self.proto = proto
            self.channels = channels
        }
    }

    /// Connections that it was done to.
    package var count = 0
    /// Where they were to be described.
    package var connections: [Connection] = []
    /// Whose they are, in the same order.
    package var identities: [Identity] = []

    package init(count: Int = 0, connections: [Connection] = [], identities: [Identity] = []) {
        self.count = count
        self.connections = connections
        self.identities = identities
    }
}
