// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletControl
import MartletPolicy
import MartletProtocol

/// A node as it announces itself to the others.
struct ClusterMember: Equatable, Sendable {
    /// Names this run of the node.
    var id: String
    var name: String
    var version: String
    /// In seconds since 1970, on the member's own clock.
    var startedAt: Double
    /// Seconds since it started, which need no clock that others share.
    var uptime: Double
    /// Where clients reach it, as far as it knows.
    var address: String
    var connections: Int
    var capacity: Int
    /// Where it is in its life, as `/readyz` says it.
    var state: String
    /// Whether it lately turned clients away because too many came at once.
    var isRefusing: Bool

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", self.id)
        writer.member("name", self.name)
        writer.member("version", self.version)
        writer.member("started_at", self.startedAt)
        writer.member("uptime", self.uptime)
        writer.member("address", self.address)
        writer.member("connections", Int64(self.connections))
        writer.member("capacity", Int64(self.capacity))
        writer.member("state", self.state)
        writer.member("refusing", ifTrue: self.isRefusing)
        writer.endObject()
    }

    init(
        id: String, name: String, version: String, startedAt: Double, uptime: Double = 0, address: String = "",
        connections: Int, capacity: Int, state: String, isRefusing: Bool = false
    ) {
        self.id = id
        self.name = name
        self.version = version
        self.startedAt = startedAt
        self.uptime = uptime
        self.address = address
        self.connections = connections
        self.capacity = capacity
        self.state = state
        self.isRefusing = isRefusing
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
            case "uptime": self.uptime = max(0, member.value.double(in: bytes) ?? 0)
            case "address": self.address = member.value.string(in: bytes) ?? ""
            case "refusing": self.isRefusing = member.value.boolean(in: bytes) ?? false
            case "connections": self.connections = Self.count(member.value, bytes)
            case "capacity": self.capacity = Self.count(member.value, bytes)
            case "state": self.state = member.value.string(in: bytes) ?? ""
            default: break
            }
        }
        if self.id.isEmpty { return nil }
    }

    /// What the policies are told of it.
    ///
    /// - Parameter first: When it was first heard of, in monotonic nanoseconds.
    func load(firstSeen first: Int64) -> MemberLoad {
        let phase: MemberLoad.State =
            switch Readiness.State(rawValue: self.state) {
            // Full is the opposite of carrying nothing.
            case .ready, .atCapacity: .serving
            case .draining, .stopped: .draining
            case .starting, .catchingUp, nil: .starting
            }
        return MemberLoad(
            connections: self.connections, capacity: self.capacity, state: phase, isRefusing: self.isRefusing,
            firstSeen: first)
    }

    private static func count(_ value: JSONValue, _ bytes: Span<UInt8>) -> Int {
        Int(value.int64(in: bytes).flatMap(UInt32.init(exactly:)) ?? 0)
    }
}
