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

        package init(_ body: Span<UInt8>) throws(APIError) {
            var targets: [Target] = []
            var members = try APIFields(body).members
            while let member = members.next(in: body) {
                if member.value.isNull { continue }
                switch member.name(in: body) {
                case "session": targets.append(.session(try Self.name(member, body)))
                case "user": targets.append(.user(try Self.name(member, body)))
                case "token": targets.append(.token(try Self.name(member, body)))
                case "claim": targets.append(try Self.claim(member.value, body))
                case "before":
                    guard let before = InvalidationTime.read(member.value, body) else {
                        throw .badRequest("before is neither seconds since 1970 nor RFC 3339")
                    }
                    self.before = before
                case "reason":
                    self.reason = try Self.name(member, body, bytesMax: InvalidationDecoder.reasonBytesMax)
                case "id": self.id = try Self.name(member, body, bytesMax: InvalidationDecoder.idBytesMax)
                default: break
                }
            }
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
            let before = InvalidationTime.clamp(self.before ?? now, now: now, to: now, &isClamped)
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

        private static func name(
            _ member: JSONMember, _ body: Span<UInt8>, bytesMax: Int = Limits.claimBytesMax
        ) throws(APIError) -> String {
            let name = member.name(in: body)
            let text = try APIFields.required(try APIFields.text(member, body), name)
            guard text.utf8.count <= bytesMax else { throw .badRequest("\(name) has more than \(bytesMax) bytes") }
            return text
        }

        private static func claim(_ value: JSONValue, _ body: Span<UInt8>) throws(APIError) -> Target {
            guard value.kind == .object else { throw .badRequest("claim is not an object of name and value") }
            var (name, text): (String?, String?) = (nil, nil)
            var members = value.members
            while let member = members.next(in: body) {
                switch member.name(in: body) {
                case "name": name = try Self.name(member, body)
                case "value": text = try Self.name(member, body)
                default: break
                }
            }
            return .claim(name: try APIFields.required(name, "name"), value: try APIFields.required(text, "value"))
        }
    }
}
