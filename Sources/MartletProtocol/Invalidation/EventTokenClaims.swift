// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// What a security event token or a logout token claims; whether it is believed is decided elsewhere.
package struct EventTokenClaims: Equatable, Sendable {
    /// What ends, of what a connection's token names.
    package enum Target: Hashable, Sendable {
        case session(String)
        case user(String)
        case token(String)
    }

    /// `iss`.
    package private(set) var issuer: String?
    /// `aud`.
    package private(set) var audiences: [String] = []
    /// `jti`.
    package private(set) var id: String?
    /// `iat`, in seconds since 1970: tokens of users that were issued up to then are what it ends.
    package private(set) var issuedAt: Double
    /// `exp`, likewise.
    package private(set) var expiresAt: Double?
    /// Nil where the event is about something else.
    package private(set) var target: Target?

    /// Reads the payload of a token.
    package init(_ payload: Span<UInt8>, _ kind: EventTokenKind) throws(BadRecordReason) {
        guard let document = JSONScanner.document(payload), document.kind == .object else { throw .malformed }
        let claims = try Claims(document, payload)
        self.issuer = claims.issuer
        self.audiences = claims.audiences
        self.id = claims.id
        self.expiresAt = claims.expiresAt
        guard let issuedAt = claims.issuedAt else { throw .badTime }
        self.issuedAt = issuedAt
        guard let events = claims.events else { throw .missingAttribute }
        guard events.kind == .object else { throw .wrongFieldType }
        self.target =
            switch kind {
            case .securityEvent: try Self.securityTarget(claims, events, payload)
            case .logout: try Self.logoutTarget(claims, events, payload)
            }
    }

    // MARK: - What it is about

    /// RFC 8417: one event, or several about one subject. The subject stands in `sub_id` of the token, or in the event
    /// itself as in the first drafts of CAEP and in RISC, or it is `sub`.
    private static func securityTarget(
        _ claims: Claims, _ events: JSONValue, _ text: Span<UInt8>
    ) throws(BadRecordReason) -> Target? {
        guard let event = Self.event(in: events, text) else { return nil }
        var inner: JSONValue?
        var members = event.value.members
        while let member = members.next(in: text) {
            if member.name(in: text) == "subject", !member.value.isNull { inner = member.value }
        }
        if let subject = claims.subject ?? inner {
            return switch try EventSubject(subject, text, as: event.role) {
            case .session(let session): .session(session)
            case .user(let user): .user(user)
            case .token(let token): .token(token)
            }
        }
        guard let user = claims.user else { throw .missingTarget }
        guard !user.isEmpty else { throw .emptyValue }
        return .user(user)
    }

    /// CAEP's `session-revoked`, and the `sessions-revoked` of RISC that came before it. A slash at the end, or `http`,
    /// is how some write the same names.
    private static func event(
        in events: JSONValue, _ text: Span<UInt8>
    ) -> (value: JSONValue, role: EventSubject.Role)? {
        var members = events.members
        while let member = members.next(in: text) {
            guard var name = member.key.string(in: text)?[...] else { continue }
            for scheme in ["https://", "http://"] where name.hasPrefix(scheme) {
                name = name.dropFirst(scheme.utf8.count)
                break
            }
            if name.last == "/" { name = name.dropLast() }
            switch name {
            case "schemas.openid.net/secevent/caep/event-type/session-revoked": return (member.value, .session)
            case "schemas.openid.net/secevent/risc/event-type/sessions-revoked": return (member.value, .user)
            default: break
            }
        }
        return nil
    }

    /// Back-Channel Logout, section 2.4: `sid`, `sub` or both; a nonce is forbidden, so that none is mistaken for an ID
    /// token, or the reverse.
    private static func logoutTarget(
        _ claims: Claims, _ events: JSONValue, _ text: Span<UInt8>
    ) throws(BadRecordReason) -> Target {
        var isLogout = false
        var members = events.members
        while let member = members.next(in: text) {
            guard member.key.string(in: text) == "http://schemas.openid.net/event/backchannel-logout" else { continue }
            guard member.value.kind == .object else { throw .wrongFieldType }
            isLogout = true
        }
        guard isLogout else { throw .unknownType }
        guard !claims.hasNonce else { throw .unexpectedNonce }
        guard let name = claims.session ?? claims.user else { throw .missingTarget }
        guard !name.isEmpty else { throw .emptyValue }
        return claims.session == nil ? .user(name) : .session(name)
    }

    // MARK: - Reading

    static func text(
        _ value: JSONValue, _ text: Span<UInt8>, bytesMax: Int = Limits.claimBytesMax
    ) throws(BadRecordReason) -> String {
        guard value.kind == .string else { throw .wrongFieldType }
        guard let string = value.string(in: text) else { throw .malformed }
        guard string.utf8.count <= bytesMax else { throw .tooLong }
        return string
    }

    /// The claims as they stand.
    private struct Claims {
        var issuer: String?
        var audiences: [String] = []
        var id: String?
        var issuedAt: Double?
        var expiresAt: Double?
        var user: String?
        var session: String?
        var hasNonce = false
        var subject: JSONValue?
        var events: JSONValue?

        init(_ document: JSONValue, _ text: Span<UInt8>) throws(BadRecordReason) {
            var members = document.members
            while let member = members.next(in: text) {
                let value = member.value
                if value.isNull { continue }
                switch member.name(in: text) {
                case "iss": self.issuer = try EventTokenClaims.text(value, text)
                case "aud": self.audiences = try Self.texts(value, text)
                case "jti":
                    self.id = try EventTokenClaims.text(value, text, bytesMax: InvalidationDecoder.idBytesMax)
                    if self.id == "" { throw .emptyValue }
                case "iat": self.issuedAt = try Self.time(value, text)
                case "exp": self.expiresAt = try Self.time(value, text)
                case "sub": self.user = try EventTokenClaims.text(value, text)
                case "sid": self.session = try EventTokenClaims.text(value, text)
                case "nonce": self.hasNonce = true
                case "sub_id": self.subject = value
                case "events": self.events = value
                default: break
                }
            }
        }

        private static func texts(_ value: JSONValue, _ text: Span<UInt8>) throws(BadRecordReason) -> [String] {
            guard value.kind == .array else { return [try EventTokenClaims.text(value, text)] }
            var (texts, elements) = ([String](), value.elements)
            while let element = elements.next(in: text) { texts.append(try EventTokenClaims.text(element, text)) }
            return texts
        }

        private static func time(_ value: JSONValue, _ text: Span<UInt8>) throws(BadRecordReason) -> Double {
            guard value.kind == .number, let time = InvalidationTime.read(value, text) else { throw .badTime }
            return time
        }
    }
}
