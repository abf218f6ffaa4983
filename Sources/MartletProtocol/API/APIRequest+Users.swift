// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

extension APIRequest {
    /// Whose connections a request is about: all of `user`, or of these only those of `client` and `session` where they
    /// are given.
    package struct Selection: Equatable, Sendable {
        package var user: String
        package var client: String?
        package var session: String?

        static let fields = ["user", "client", "session"]

        package init(user: String, client: String? = nil, session: String? = nil) {
            self.user = user
            self.client = client
            self.session = session
        }

        init(_ fields: APIFields, _ body: Span<UInt8>) throws(APIError) {
            self.user = try fields.required("user", body, bytesMax: Limits.claimBytesMax)
            let client = try fields.text("client", body)
            let session = try fields.text("session", body)
            guard max(client.utf8.count, session.utf8.count) <= Limits.claimBytesMax else {
                throw .badRequest("client or session is longer than \(Limits.claimBytesMax) bytes")
            }
            self.client = client.isEmpty ? nil : client
            self.session = session.isEmpty ? nil : session
        }

        func write(to writer: inout JSONWriter) {
            writer.member("user", self.user)
            writer.member("client", ifAny: self.client)
            writer.member("session", ifAny: self.session)
        }
    }

    package struct Unsubscribe: Equatable, Sendable {
        package var selection: Selection
        package var channel: String

        package static let fields = Selection.fields + ["channel"]

        package init(_ body: Span<UInt8>) throws(APIError) {
            let fields = try APIFields(body, Self.fields)
            self.selection = try Selection(fields, body)
            self.channel = try fields.required("channel", body)
        }

        /// The body that asks for it.
        package var json: [UInt8] {
            var writer = JSONWriter()
            writer.beginObject()
            self.selection.write(to: &writer)
            writer.member("channel", self.channel)
            writer.endObject()
            return writer.bytes
        }
    }

    package struct Refresh: Equatable, Sendable {
        package var selection: Selection
        /// The connections end, as expired.
        package var isExpired: Bool
        /// When they expire from now on, in seconds since 1970; nil: never.
        package var expiresAt: Int64?
        /// JSON on one line that takes the place of their `conn_info`, or nil.
        package var info: [UInt8]?

        package static let fields = Selection.fields + ["expired", "expire_at", "info"]

        package init(_ body: Span<UInt8>) throws(APIError) {
            let fields = try APIFields(body, Self.fields)
            self.selection = try Selection(fields, body)
            self.isExpired = try fields.flag("expired", body)
            self.expiresAt = try fields.time("expire_at", body)
            self.info = fields.json("info", body)
        }

        /// The body that asks for it.
        package var json: [UInt8] {
            var writer = JSONWriter()
            writer.beginObject()
            self.selection.write(to: &writer)
            writer.member("expired", ifTrue: self.isExpired)
            if let expiresAt = self.expiresAt { writer.member("expire_at", expiresAt) }
            writer.member("info", ifAny: self.info)
            writer.endObject()
            return writer.bytes
        }
    }

    /// `connections`: those of a user. `expression`, Centrifugo's language for filters, is not spoken.
    package struct Connections: Equatable, Sendable {
        package var selection: Selection

        package static let fields = Selection.fields + ["expression"]

        package init(_ body: Span<UInt8>) throws(APIError) {
            let fields = try APIFields(body, Self.fields)
            self.selection = try Selection(fields, body)
            guard try fields.text("expression", body).isEmpty else {
                throw APIError(code: CentrifugeError.notAvailable.code, message: "not available: expression")
            }
        }

        /// The body that asks for it.
        package var json: [UInt8] {
            var writer = JSONWriter()
            writer.beginObject()
            self.selection.write(to: &writer)
            writer.endObject()
            return writer.bytes
        }
    }
}
