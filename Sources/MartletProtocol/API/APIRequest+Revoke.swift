// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

extension APIRequest {
    /// `revoke`: exactly one target, `session`, `user`, `token` or `claim` (`{"name", "value"}`); for `user` and `claim`
    /// `before`, the latest time of issue that it ends (seconds or RFC 3339; now where absent); `reason` and `id`.
    package struct Revoke: Equatable, Sendable {
        package enum Target: Equatable, Sendable {
            case session(String)
            case user(String)
            case token(String)
            case claim(name: String, value: String)
        }

        package var target: Target
        package var before: Double?
        package var reason: String?
        package var id: String?

        package init(target: Target, before: Double? = nil, reason: String? = nil, id: String? = nil) {
            self.target = target
            self.before = before
            self.reason = reason
            self.id = id
        }

        package static let fields = [
            "session", "user", "token", "claim.name", "claim.value", "before", "reason", "id",
        ]

        package init(_ body: Span<UInt8>) throws(APIError) {
            let fields = try APIFields(body, Self.fields)
            var targets: [Target] = []
            if let session = try Self.name("session", fields, body) { targets.append(.session(session)) }
            if let user = try Self.name("user", fields, body) { targets.append(.user(user)) }
            if let token = try Self.name("token", fields, body) { targets.append(.token(token)) }
            if let claim = try fields.object("claim", body) {
                let name = try claim.required("name", body, bytesMax: Limits.claimBytesMax)
                let value = try claim.required("value", body, bytesMax: Limits.claimBytesMax)
                targets.append(.claim(name: name, value: value))
            }
            if let value = fields.value("before") {
                guard let before = InvalidationTime.read(value, body) else {
                    throw .badRequest("before is neither seconds since 1970 nor RFC 3339")
                }
                self.before = before
            }
            self.reason = try Self.name("reason", fields, body, bytesMax: InvalidationDecoder.reasonBytesMax)
            self.id = try Self.name("id", fields, body, bytesMax: InvalidationDecoder.idBytesMax)
            guard targets.count == 1, let target = targets.first else {
                throw .badRequest("exactly one of session, user, token and claim is wanted")
            }
            self.target = target
            switch target {
            case .session, .token:
                if self.before != nil { throw .badRequest("before goes with user or claim only") }
            case .user, .claim: break
            }
        }

        /// The event that it asks for, as of now.
        /// - Parameter id: Its name, where the request gives it none.
        package func invalidation(id: String, at now: Double) -> DecodedInvalidation {
            var isClamped = false
            let before = InvalidationTime.clamp(self.before ?? now, after: now, to: now, &isClamped)
            let second = Int64(before.rounded(.down))
            let target: Invalidation.Target =
                switch self.target {
                case .session(let session): .session(session)
                case .user(let user): .user(user, before: second)
                case .token(let token): .token(token)
                case .claim(let name, let value): .claim(name: name, value: value, before: second)
                }
            let invalidation = Invalidation(
                id: self.id ?? id, target: target, at: now, reason: self.reason, source: .api)
            return DecodedInvalidation(invalidation, isClamped: isClamped)
        }

        /// The body that asks for it.
        package var json: [UInt8] {
            var writer = JSONWriter()
            writer.beginObject()
            switch self.target {
            case .session(let session): writer.member("session", session)
            case .user(let user): writer.member("user", user)
            case .token(let token): writer.member("token", token)
            case .claim(let name, let value):
                writer.key("claim")
                writer.beginObject()
                writer.member("name", name)
                writer.member("value", value)
                writer.endObject()
            }
            if let before = self.before { writer.member("before", before) }
            writer.member("reason", ifAny: self.reason)
            writer.member("id", ifAny: self.id)
            writer.endObject()
            return writer.bytes
        }

        /// Nil where it is absent; empty is an error.
        private static func name(
            _ name: String, _ fields: APIFields, _ body: Span<UInt8>, bytesMax: Int = Limits.claimBytesMax
        ) throws(APIError) -> String? {
            guard fields.value(name) != nil else { return nil }
            return try fields.required(name, body, bytesMax: bytesMax)
        }
    }
}
