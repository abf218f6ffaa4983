// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

extension SessionExplanation.Node {
    /// As the node answers it, and as it is handed on.
    package var json: [UInt8] {
        var writer = JSONWriter(capacity: 256)
        writer.beginObject()
        writer.member("node", self.node)
        writer.member("name", self.name)
        writer.member("verdict", self.verdict.rawValue)
        writer.member("because", self.because)
        writer.member("num_connections", Int64(self.connectionCount))
        writer.key("connections")
        writer.beginArray()
        for connection in self.connections { connection.write(to: &writer) }
        writer.endArray()
        writer.key("validations")
        writer.beginArray()
        for validation in self.validations { validation.write(to: &writer) }
        writer.endArray()
        writer.key("revocations")
        writer.beginArray()
        for revocation in self.revocations { revocation.write(to: &writer) }
        writer.endArray()
        if let floor = self.floor { writer.member("floor", floor) }
        writer.endObject()
        return writer.bytes
    }
}

extension SessionExplanation.Connection {
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("client", self.client)
        writer.member("transport", self.transport)
        writer.member("protocol", self.proto)
        writer.member("user", self.user)
        writer.member("session", ifAny: self.session)
        writer.member("token", ifAny: self.token)
        if let issuedAt = self.issuedAt { writer.member("issued_at", issuedAt) }
        if let expiresAt = self.expiresAt { writer.member("expires_at", expiresAt) }
        writer.endObject()
    }
}

extension SessionExplanation.Validation {
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("session", self.session)
        writer.member("answer", self.answer)
        writer.member("good_for", self.goodFor)
        if let nextIn = self.nextIn { writer.member("next_in", nextIn) }
        writer.endObject()
    }
}

extension SessionExplanation.Revocation {
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("target", self.target)
        writer.member("value", self.value)
        if let before = self.before { writer.member("before", before) }
        writer.member("close_reason", self.closeReason)
        writer.member("seconds_left", Int64(self.secondsLeft))
        if let event = self.event {
            writer.member("id", event.id)
            writer.member("receipt", ifAny: event.receipt)
            writer.member("at", event.at)
            writer.member("applied_at", event.appliedAt)
            writer.member("source", event.source)
            writer.member("reason", ifAny: event.reason)
        }
        writer.endObject()
    }
}
