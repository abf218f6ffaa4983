// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What every node knows of one revocation: whether it applied it, when, and how many connections that closed.
package struct RevocationStatus: Equatable, Sendable {
    package enum State: String, CaseIterable, Sendable {
        /// The node refuses what the event names, and has told its connections.
        case applied
        /// It did so while it started, before it let anybody in.
        case replayed
        /// It has not read as far, or still tells its connections.
        case pending
        /// It does not know of such an event: of one that no log keeps, or that was too long ago to be found by its id.
        case unseen
        /// It did not answer.
        case unknown
    }

    package struct Node: Equatable, Sendable {
        package var node: String
        package var name: String
        package var state: State
        /// When, in seconds since 1970; nil where it does not remember.
        package var appliedAt: Double?
        /// Connections that were told goodbye for it, and those of them whose socket is closed; nil where it does not
        /// remember.
        package var closes: Closes?
        /// Why it is unknown.
        package var reason: String?

        package init(
            node: String, name: String, state: State, appliedAt: Double? = nil, closes: Closes? = nil,
            reason: String? = nil
        ) {
            self.node = node
            self.name = name
            self.state = state
            self.appliedAt = appliedAt
            self.closes = closes
            self.reason = reason
        }
    }

    package struct Closes: Equatable, Sendable {
        package var queued: Int
        package var done: Int

        package init(queued: Int, done: Int) {
            self.queued = queued
            self.done = done
        }
    }

    /// As it was asked for.
    package var id: String
    package var nodes: [Node]

    package init(id: String, nodes: [Node]) {
        self.id = id
        self.nodes = nodes
    }

    /// Whether every node that there is has applied it.
    package var isApplied: Bool {
        !self.nodes.isEmpty && self.nodes.allSatisfy { $0.state == .applied || $0.state == .replayed }
    }

    func write(to writer: inout JSONWriter) {
        writer.member("id", self.id)
        writer.member("applied", self.isApplied)
        writer.member("closes_queued", Int64(self.nodes.reduce(0) { $0 + ($1.closes?.queued ?? 0) }))
        writer.member("closes_done", Int64(self.nodes.reduce(0) { $0 + ($1.closes?.done ?? 0) }))
        writer.key("nodes")
        writer.beginArray()
        for node in self.nodes { node.write(to: &writer) }
        writer.endArray()
    }
}

extension RevocationStatus.Node {
    package func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("node", self.node)
        writer.member("name", self.name)
        writer.member("state", self.state.rawValue)
        if let appliedAt = self.appliedAt { writer.member("applied_at", appliedAt) }
        if let closes = self.closes {
            writer.member("closes_queued", Int64(closes.queued))
            writer.member("closes_done", Int64(closes.done))
        }
        writer.member("reason", ifAny: self.reason)
        writer.endObject()
    }

    /// Nil for what another version says that this one does not understand.
    package init?(_ body: Span<UInt8>) {
        guard let document = JSONScanner.document(body), document.kind == .object else { return nil }
        self.init(node: "", name: "", state: .unknown)
        var state: RevocationStatus.State?
        var counts: (queued: Int, done: Int)?
        var members = document.members
        while let member = members.next(in: body) {
            let count = Int(clamping: member.value.uint64(in: body) ?? 0)
            switch member.name(in: body) {
            case "node": self.node = member.value.string(in: body) ?? ""
            case "name": self.name = member.value.string(in: body) ?? ""
            case "state": state = member.value.string(in: body).flatMap(RevocationStatus.State.init)
            case "applied_at": self.appliedAt = member.value.double(in: body)
            case "closes_queued": counts = (count, counts?.done ?? 0)
            case "closes_done": counts = (counts?.queued ?? 0, count)
            case "reason": self.reason = member.value.string(in: body)
            default: break
            }
        }
        guard let state else { return nil }
        self.state = state
        self.closes = counts.map { RevocationStatus.Closes(queued: $0.queued, done: $0.done) }
    }
}
