// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A node as the API's `info` describes it.
package struct NodeInfo: Equatable, Sendable {
    package var uid: String
    package var name: String
    package var version: String
    package var clients: Int
    package var users: Int
    package var channels: Int
    package var subscriptions: Int
    /// Whole seconds since it started.
    package var uptime: Int
    /// Connections that it takes.
    package var capacity: Int
    /// Where it is in its life: `starting`, `catching up`, `ready`, `at capacity`, `draining`, `stopped`.
    package var state: String

    package init(
        uid: String, name: String, version: String, clients: Int, users: Int, channels: Int, subscriptions: Int,
        uptime: Int, capacity: Int, state: String
    ) {
        self.uid = uid
        self.name = name
        self.version = version
        self.clients = clients
        self.users = users
        self.channels = channels
        self.subscriptions = subscriptions
        self.uptime = uptime
        self.capacity = capacity
        self.state = state
    }

    package func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("uid", self.uid)
        writer.member("name", self.name)
        writer.member("version", self.version)
        writer.member("num_clients", Int64(self.clients))
        writer.member("num_users", Int64(self.users))
        writer.member("num_channels", Int64(self.channels))
        writer.member("num_subs", Int64(self.subscriptions))
        writer.member("uptime", Int64(self.uptime))
        writer.member("capacity", Int64(self.capacity))
        writer.member("state", self.state)
        writer.endObject()
    }
}
