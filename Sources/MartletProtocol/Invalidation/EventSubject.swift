// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Whom a security event is about, as far as a connection's token can say that it is the same (RFC 9493, and the
/// complex subjects of the Shared Signals Framework).
enum EventSubject: Equatable {
    case session(String)
    case user(String)
    case token(String)

    /// What an opaque identifier names.
    enum Role {
        case session, user
    }

    /// - Parameter role: What the subject is where it says no more than an identifier.
    init(_ value: JSONValue, _ text: Span<UInt8>, as role: Role) throws(BadRecordReason) {
        guard value.kind == .object else { throw .wrongFieldType }
        let fields = try Fields(value, text)
        if fields.isComplex {
            self = try Self.complex(fields, text)
            return
        }
        switch fields.format {
        case "opaque": self = role == .session ? .session(try Self.name(fields.id)) : .user(try Self.name(fields.id))
        case "iss_sub": self = .user(try Self.name(fields.subject))
        case "jwt_id": self = .token(try Self.name(fields.tokenID))
        default: throw .unsupportedSubject
        }
    }

    /// All members together say who it is. A session is the narrowest of them. Tenant, unit and group only say where a
    /// user is found; a device or an application would make it less than all of the user's sessions, which cannot be
    /// told apart here.
    private static func complex(_ fields: Fields, _ text: Span<UInt8>) throws(BadRecordReason) -> EventSubject {
        if let session = fields.session { return try EventSubject(session, text, as: .session) }
        guard let user = fields.user, !fields.isNarrowed else { throw .unsupportedSubject }
        return try EventSubject(user, text, as: .user)
    }

    private static func name(_ name: String?) throws(BadRecordReason) -> String {
        guard let name else { throw .missingTarget }
        guard !name.isEmpty else { throw .emptyValue }
        return name
    }

    private struct Fields {
        private(set) var format: String?
        private(set) var id: String?
        private(set) var subject: String?
        private(set) var tokenID: String?
        private(set) var session: JSONValue?
        private(set) var user: JSONValue?
        private(set) var isNarrowed = false

        /// Early drafts do not name the format of complex subjects.
        var isComplex: Bool { self.format == "complex" || self.format == nil && (self.session ?? self.user) != nil }

        init(_ value: JSONValue, _ text: Span<UInt8>) throws(BadRecordReason) {
            var members = value.members
            while let member = members.next(in: text) {
                let value = member.value
                if value.isNull { continue }
                switch member.name(in: text) {
                // Drafts called it `subject_type` and wrote `iss-sub`.
                case "format", "subject_type":
                    let name = try EventTokenClaims.text(value, text)
                    self.format = name.split(separator: "-", omittingEmptySubsequences: false).joined(separator: "_")
                case "id": self.id = try EventTokenClaims.text(value, text)
                case "sub": self.subject = try EventTokenClaims.text(value, text)
                case "jti": self.tokenID = try EventTokenClaims.text(value, text)
                case "session": self.session = value
                case "user": self.user = value
                case "device", "application": self.isNarrowed = true
                default: break
                }
            }
        }
    }
}
