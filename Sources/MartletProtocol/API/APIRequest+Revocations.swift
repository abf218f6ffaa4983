// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

extension APIRequest {
    /// `revocations`: `id`, what the answer to a `revoke` calls its receipt; or an event's own id, which nodes remember
    /// for a while.
    package struct Revocations: Equatable, Sendable {
        package var id: String

        package init(id: String) { self.id = id }

        package static let fields = ["id"]

        package init(_ body: Span<UInt8>) throws(APIError) {
            let fields = try APIFields(body, Self.fields)
            self.id = try fields.required("id", body, bytesMax: InvalidationDecoder.idBytesMax)
        }

        /// The event's place in a log; nil where only its own id is given.
        package var position: EventPosition? { EventPosition(self.id) }

        /// The body that asks for it.
        package var json: [UInt8] {
            var writer = JSONWriter()
            writer.beginObject()
            writer.member("id", self.id)
            writer.endObject()
            return writer.bytes
        }
    }

    /// `explain`: exactly one of `session`, `user` and `token`.
    package struct Explain: Equatable, Sendable {
        package enum Subject: String, CaseIterable, Sendable {
            case session, user, token
        }

        package var subject: Subject
        package var id: String

        package init(_ subject: Subject, _ id: String) {
            self.subject = subject
            self.id = id
        }

        package static let fields = Subject.allCases.map(\.rawValue)

        package init(_ body: Span<UInt8>) throws(APIError) {
            let fields = try APIFields(body, Self.fields)
            let subjects = Subject.allCases.filter { fields.value($0.rawValue) != nil }
            guard subjects.count == 1, let subject = subjects.first else {
                throw .badRequest("exactly one of session, user and token is wanted")
            }
            self.subject = subject
            self.id = try fields.required(subject.rawValue, body, bytesMax: Limits.claimBytesMax)
        }

        /// The body that asks for it.
        package var json: [UInt8] {
            var writer = JSONWriter()
            writer.beginObject()
            writer.member(self.subject.rawValue, self.id)
            writer.endObject()
            return writer.bytes
        }
    }
}
