// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// How far the drain of a node is.
package struct DrainStatus: Equatable, Sendable {
    package enum Phase: String, CaseIterable, Sendable {
        /// The node does not drain.
        case none
        /// The balancer is given time to notice; who comes is served.
        case waiting
        /// Nobody is admitted, and those who are there are sent away.
        case ending
        /// Everybody was told to go.
        case drained
    }

    package var node: String
    package var name: String
    package var phase: Phase
    /// Connections that are left.
    package var connections: Int
    package var connectionsAtStart: Int
    /// Until everybody has been told, in seconds.
    package var secondsLeft: Double

    package init(
        node: String, name: String, phase: Phase, connections: Int, connectionsAtStart: Int, secondsLeft: Double
    ) {
        self.node = node
        self.name = name
        self.phase = phase
        self.connections = connections
        self.connectionsAtStart = connectionsAtStart
        self.secondsLeft = secondsLeft
    }

    package var json: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        self.writeMembers(to: &writer)
        writer.endObject()
        return writer.bytes
    }

    func writeMembers(to writer: inout JSONWriter) {
        writer.member("node", self.node)
        writer.member("name", self.name)
        writer.member("phase", self.phase.rawValue)
        writer.member("connections", Int64(self.connections))
        writer.member("connections_at_start", Int64(self.connectionsAtStart))
        writer.member("seconds_left", self.secondsLeft)
    }

    /// Nil where it does not say which node it is of.
    package init?(_ body: Span<UInt8>) {
        guard let document = JSONScanner.document(body), document.kind == .object else { return nil }
        self.init(node: "", name: "", phase: .none, connections: 0, connectionsAtStart: 0, secondsLeft: 0)
        var members = document.members
        while let member = members.next(in: body) {
            let value = member.value
            switch member.name(in: body) {
            case "node": self.node = value.string(in: body) ?? ""
            case "name": self.name = value.string(in: body) ?? ""
            case "phase": self.phase = value.string(in: body).flatMap(Phase.init) ?? .none
            case "connections": self.connections = value.int64(in: body).flatMap(Int.init(exactly:)) ?? 0
            case "connections_at_start":
                self.connectionsAtStart = value.int64(in: body).flatMap(Int.init(exactly:)) ?? 0
            case "seconds_left": self.secondsLeft = value.double(in: body) ?? 0
            default: break
            }
        }
        if self.node.isEmpty { return nil }
    }
}
