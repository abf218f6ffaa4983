// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

extension InvalidationDecoder {
    /// What is revoked, by the name of the event's type.
    enum Kind: String {
        case session = "session.revoked"
        case user = "user.revoked"
        case token = "token.revoked"
        case claim = "claim.revoked"

        /// The last two parts of a type whose first ones name its owner.
        init?(suffix type: String) {
            let parts = type.split(separator: ".", omittingEmptySubsequences: false)
            self.init(rawValue: parts.suffix(2).joined(separator: "."))
        }
    }

    /// The fields of a record, each with the right type and within its bounds.
    struct Fields {
        private(set) var id: String?
        private(set) var reason: String?
        /// A node's validation found it, and that node wrote the record.
        private(set) var isFinding = false
        private(set) var at: Double?
        private(set) var before: Double?
        private let kind: Kind
        private var session: String?
        private var user: String?
        private var token: String?
        private var claim: (name: String?, value: String?)?

        /// - Parameter envelope: Says what the object itself leaves out.
        init(
            _ document: JSONValue, _ text: Span<UInt8>, _ envelope: InvalidationDecoder.Envelope
        ) throws(BadRecordReason) {
            var kind: Kind?
            var members = document.members
            while let member = members.next(in: text) {
                let value = member.value
                if value.isNull { continue }
                switch member.name(in: text) {
                case "id": self.id = try Self.text(value, text, bytesMax: InvalidationDecoder.idBytesMax)
                case "reason": self.reason = try Self.text(value, text, bytesMax: InvalidationDecoder.reasonBytesMax)
                case "source": self.isFinding = value.string(in: text) == Invalidation.Source.pull.rawValue
                case "session": self.session = try Self.text(value, text)
                case "user": self.user = try Self.text(value, text)
                case "token": self.token = try Self.text(value, text)
                case "claim": self.claim = try Self.claim(value, text)
                case "at": self.at = try Self.time(value, text)
                case "before": self.before = try Self.time(value, text)
                case "version": guard value.int64(in: text) == 1 else { throw .unknownVersion }
                case "type":
                    guard let name = value.string(in: text) else { throw .wrongFieldType }
                    guard let known = Kind(rawValue: name) else { throw .unknownType }
                    kind = known
                default: break
                }
            }
            guard let kind = kind ?? envelope.kind else { throw .unknownType }
            self.kind = kind
            if self.id == "" { throw .emptyValue }
            self.id = self.id ?? envelope.id
            self.at = self.at ?? envelope.at
            if self.reason == "" { self.reason = nil }
        }

        func target(before: Double) throws(BadRecordReason) -> Invalidation.Target {
            let second = Int64(before.rounded(.down))
            switch self.kind {
            case .session: return .session(try Self.required(self.session))
            case .user: return .user(try Self.required(self.user), before: second)
            case .token: return .token(try Self.required(self.token))
            case .claim:
                guard let claim = self.claim else { throw .missingTarget }
                return .claim(
                    name: try Self.required(claim.name), value: try Self.required(claim.value), before: second)
            }
        }

        private static func required(_ text: String?) throws(BadRecordReason) -> String {
            guard let text else { throw .missingTarget }
            if text.isEmpty { throw .emptyValue }
            return text
        }

        private static func text(
            _ value: JSONValue, _ text: Span<UInt8>, bytesMax: Int = Limits.claimBytesMax
        ) throws(BadRecordReason) -> String {
            guard value.kind == .string else { throw .wrongFieldType }
            guard let string = value.string(in: text) else { throw .malformed }
            guard string.utf8.count <= bytesMax else { throw .tooLong }
            return string
        }

        private static func time(_ value: JSONValue, _ text: Span<UInt8>) throws(BadRecordReason) -> Double {
            guard let time = InvalidationTime.read(value, text) else { throw .badTime }
            return time
        }

        private static func claim(
            _ value: JSONValue, _ text: Span<UInt8>
        ) throws(BadRecordReason) -> (name: String?, value: String?) {
            guard value.kind == .object else { throw .wrongFieldType }
            var claim: (name: String?, value: String?) = (nil, nil)
            var members = value.members
            while let member = members.next(in: text) {
                if member.value.isNull { continue }
                switch member.name(in: text) {
                case "name": claim.name = try Self.text(member.value, text)
                case "value": claim.value = try Self.text(member.value, text)
                default: break
                }
            }
            return claim
        }
    }
}
