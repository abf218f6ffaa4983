// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What a node asks the authority: which of these sessions are no longer valid?
///
///     {"sessions": [{"session": "…", "user": "…", "token": "…", "issued_at": 1767225600}]}
///
/// `session` names the session in the answer; `token` and `issued_at` are there where the session's token has them.
package struct ValidationRequest: Equatable, Sendable {
    package struct Session: Equatable, Sendable {
        package var session: String
        package var user: String
        package var token: String?
        package var issuedAt: Int64?

        package init(session: String, user: String, token: String? = nil, issuedAt: Int64? = nil) {
            self.session = session
            self.user = user
            self.token = token
            self.issuedAt = issuedAt
        }
    }

    package var sessions: [Session]

    package init(sessions: [Session]) { self.sessions = sessions }

    package var json: [UInt8] {
        var writer = JSONWriter(capacity: 16 + 96 * self.sessions.count)
        writer.beginObject()
        writer.key("sessions")
        writer.beginArray()
        for session in self.sessions {
            writer.beginObject()
            writer.member("session", session.session)
            writer.member("user", session.user)
            writer.member("token", ifAny: session.token)
            if let issuedAt = session.issuedAt { writer.member("issued_at", issuedAt) }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }
}
