// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A connection as the API's `connections` describes it.
package struct ConnectionInfo: Equatable, Sendable {
    package var client: String
    package var user: String
    package var transport: String
    package var proto: String
    package var channels: [String]
    /// The identifier of its node.
    package var node: String

    package init(client: String, user: String, transport: String, proto: String, channels: [String], node: String) {
        self.client = client
        self.user = user
        self.transport = transport
        self.proto = proto
        self.channels = channels
        self.node = node
    }

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("transport", self.transport)
        writer.member("protocol", self.proto)
        writer.member("user", self.user)
        writer.member("node", self.node)
        writer.key("state")
        writer.beginObject()
        writer.key("channels")
        writer.beginObject()
        for channel in self.channels {
            writer.key(channel)
            writer.beginObject()
            writer.endObject()
        }
        writer.endObject()
        writer.endObject()
        writer.endObject()
    }
}
