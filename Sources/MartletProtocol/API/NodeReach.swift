// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Which nodes did what they were all asked to, and to how many connections.
package struct NodeReach: Equatable, Sendable {
    package struct Answered: Equatable, Sendable {
        package var node: String
        package var name: String
        package var count: Int

        package init(node: String, name: String, count: Int) {
            self.node = node
            self.name = name
            self.count = count
        }
    }

    package struct Unanswered: Equatable, Sendable {
        package var node: String
        package var name: String
        package var reason: String

        package init(node: String, name: String, reason: String) {
            self.node = node
            self.name = name
            self.reason = reason
        }
    }

    package var nodes: [Answered]
    package var unanswered: [Unanswered]

    package init(nodes: [Answered] = [], unanswered: [Unanswered] = []) {
        self.nodes = nodes
        self.unanswered = unanswered
    }

    /// What is to be said in place of success where a node may not have done it.
    package var error: APIError? {
        guard !self.unanswered.isEmpty else { return nil }
        let total = self.nodes.count + self.unanswered.count
        let names = self.unanswered.map { "\($0.name) (\($0.reason))" }.joined(separator: ", ")
        return APIError(
            code: CentrifugeError.internalError.code,
            message: "\(self.unanswered.count) of \(total) nodes gave no answer: \(names)")
    }

    func write(to writer: inout JSONWriter) {
        writer.key("nodes")
        writer.beginArray()
        for node in self.nodes {
            writer.beginObject()
            writer.member("node", node.node)
            writer.member("name", node.name)
            writer.member("count", Int64(node.count))
            writer.endObject()
        }
        writer.endArray()
        self.writeUnanswered(to: &writer)
    }

    func writeUnanswered(to writer: inout JSONWriter) {
        if self.unanswered.isEmpty { return }
        writer.key("unanswered")
        writer.beginArray()
        for node in self.unanswered {
            writer.beginObject()
            writer.member("node", node.node)
            writer.member("name", node.name)
            writer.member("reason", node.reason)
            writer.endObject()
        }
        writer.endArray()
    }
}
