// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol

/// A node as it announces itself to the others.
struct ClusterMember: Equatable, Sendable {
    /// Names this run of the node.
    var id: String
    var name: String
    var version: String
    /// In seconds since 1970, on the member's own clock.
    var startedAt: Double
    var connections: Int
    var capacity: Int
    /// Where it is in its life, as `/readyz` says it.
    var state: String

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", self.id)
        writer.member("name", self.name)
        writer.member("version", self.version)
        writer.member("started_at", self.startedAt)
        writer.member("connections", Int64(self.connections))
        writer.member("capacity", Int64(self.capacity))
        writer.member("state", self.state)
        writer.endObject()
    }

    init(
        id: String, name: String, version: String, startedAt: Double, connections: Int, capacity: Int, state: String
    ) {
        self.id = id
        self.name = name
        self.version = version
        self.startedAt = startedAt
        self.connections = connections
        self.capacity = capacity
        self.state = state
    }

    /// Nil where it does not say who it is; what else a member of another version leaves out is empty.
    init?(_ value: JSONValue, _ bytes: Span<UInt8>) {
        guard value.kind == .object else { return nil }
        self.init(id: "", name: "", version: "", startedAt: 0, connections: 0, capacity: 0, state: "")
        var members = value.members
        while let member = members.next(in: bytes) {
            switch member.name(in: bytes) {
            case "id": self.id = member.value.string(in: bytes) ?? ""
            case "name": self.name = member.value.string(in: bytes) ?? ""
            case "version": self.version = member.value.string(in: bytes) ?? ""
            case "started_at": self.startedAt = member.value.double(in: bytes) ?? 0
            case "connections": self.connections = Self.count(member.value, bytes)
            case "capacity": self.capacity = Self.count(member.value, bytes)
            case "state": self.state = member.value.string(in: bytes) ?? ""
            default: break
            }
        }
        if self.id.isEmpty { return nil }
    }

    private static func count(_ value: JSONValue, _ bytes: Span<UInt8>) -> Int {
        Int(value.int64(in: bytes).flatMap(UInt32.init(exactly:)) ?? 0)
    }
}
