// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// Reads the fields of a back-end's answer, and says which one is wrong. What is null is not there.
enum ProxyFields {
    typealias Malformed = ProxyAnswer.Malformed

    /// Beyond this a number of seconds is one of milliseconds, and nobody would notice that it never comes.
    private static let secondsMax: Int64 = 100_000_000_000
    private static let claimsMax = 64

    static func members(_ member: JSONMember, _ body: Span<UInt8>) throws(Malformed) -> JSONMembers {
        guard member.value.kind == .object || member.value.isNull else {
            throw Malformed(what: "\(member.name(in: body)) is not an object")
        }
        return member.value.members
    }

    static func text(_ member: JSONMember, _ body: Span<UInt8>) throws(Malformed) -> String {
        if member.value.isNull { return "" }
        guard let text = member.value.string(in: body) else {
            throw Malformed(what: "\(member.name(in: body)) is not a string")
        }
        return text
    }

    /// A name that identities are found by: one that is cut would not be found.
    static func name(_ member: JSONMember, _ body: Span<UInt8>) throws(Malformed) -> String {
        let name = try self.text(member, body)
        guard name.utf8.count <= Limits.claimBytesMax else {
            throw Malformed(what: "\(member.name(in: body)) is too long")
        }
        return name
    }

    static func optionalName(_ member: JSONMember, _ body: Span<UInt8>) throws(Malformed) -> String? {
        let name = try self.name(member, body)
        return name.isEmpty ? nil : name
    }

    static func flag(_ member: JSONMember, _ body: Span<UInt8>) throws(Malformed) -> Bool {
        if member.value.isNull { return false }
        guard let flag = member.value.boolean(in: body) else {
            throw Malformed(what: "\(member.name(in: body)) is neither true nor false")
        }
        return flag
    }

    static func number(_ member: JSONMember, _ body: Span<UInt8>) throws(Malformed) -> UInt64 {
        if member.value.isNull { return 0 }
        guard let number = member.value.uint64(in: body) else {
            throw Malformed(what: "\(member.name(in: body)) is not a whole number")
        }
        return number
    }

    /// Seconds since 1970; nil for zero, which means never.
    static func time(_ member: JSONMember, _ body: Span<UInt8>) throws(Malformed) -> Int64? {
        if member.value.isNull { return nil }
        guard let seconds = member.value.int64(in: body), 0...Self.secondsMax ~= seconds else {
            throw Malformed(what: "\(member.name(in: body)) is not a time in whole seconds since 1970")
        }
        return seconds == 0 ? nil : seconds
    }

    /// Any JSON, on one line.
    static func json(_ member: JSONMember, _ body: Span<UInt8>) -> [UInt8]? {
        member.value.isNull ? nil : member.value.raw(in: body)
    }

    /// The same in base 64; text that is not JSON becomes a JSON string.
    static func base64(_ member: JSONMember, _ body: Span<UInt8>) throws(Malformed) -> [UInt8]? {
        guard let bytes = try self.bytes(member, body) else { return nil }
        guard let json = Payload.normalize(bytes) else {
            throw Malformed(what: "\(member.name(in: body)) is not JSON or text in base 64")
        }
        return json
    }

    /// Any bytes in base 64.
    static func bytes(_ member: JSONMember, _ body: Span<UInt8>) throws(Malformed) -> [UInt8]? {
        let encoded = try self.text(member, body)
        guard !encoded.isEmpty else { return nil }
        guard let bytes = Base64.decode(encoded) else {
            throw Malformed(what: "\(member.name(in: body)) is not base 64")
        }
        return bytes
    }

    /// A JSON object of strings.
    static func tags(_ member: JSONMember, _ body: Span<UInt8>) throws(Malformed) -> [UInt8]? {
        var tags = try self.members(member, body)
        while let tag = tags.next(in: body) {
            guard tag.value.kind == .string else { throw Malformed(what: "tags holds what is not a string") }
        }
        return self.json(member, body)
    }

    /// Claims that may be indexed: what cannot be would be a session that no invalidation of the claim reaches.
    static func claims(_ member: JSONMember, _ body: Span<UInt8>) throws(Malformed) -> [Identity.Claim] {
        var claims: [Identity.Claim] = []
        var members = try self.members(member, body)
        while let claim = members.next(in: body) {
            guard let name = claim.key.string(in: body) else { throw Malformed(what: "a claim has no name") }
            if claim.value.isNull { continue }
            var elements = claim.value.elements
            if claim.value.kind != .array { claims.append(try self.claim(name, claim.value, body)) }
            while let element = elements.next(in: body) { claims.append(try self.claim(name, element, body)) }
            guard claims.count <= Self.claimsMax else { throw Malformed(what: "more than \(Self.claimsMax) claims") }
        }
        return claims
    }

    private static func claim(
        _ name: String, _ value: JSONValue, _ body: Span<UInt8>
    ) throws(Malformed) -> Identity.Claim {
        let written: String? =
            switch value.kind {
            case .string: value.string(in: body)
            case .number: String(validating: value.raw(in: body), as: UTF8.self)
            default: nil
            }
        guard let written, written.utf8.count <= Limits.claimBytesMax else {
            throw Malformed(what: "claim \(name) is neither a string nor a number, nor a list of such")
        }
        return Identity.Claim(name: name, value: written)
    }

    static func overrides(_ member: JSONMember, _ body: Span<UInt8>) throws(Malformed) -> SubscriptionOverrides {
        var overrides = SubscriptionOverrides()
        var members = try self.members(member, body)
        while let option = members.next(in: body) {
            switch option.name(in: body) {
            case "presence": overrides.presence = try self.override(option, body)
            case "join_leave": overrides.joinLeave = try self.override(option, body)
            case "force_push_join_leave": overrides.forceJoinLeave = try self.override(option, body)
            case "force_recovery": overrides.forceRecovery = try self.override(option, body)
            case "force_positioning": overrides.forcePositioning = try self.override(option, body)
            default: break
            }
        }
        return overrides
    }

    /// `{"value": true}`; an object without a value says false.
    private static func override(_ member: JSONMember, _ body: Span<UInt8>) throws(Malformed) -> Bool? {
        if member.value.isNull { return nil }
        var value = false
        var members = try self.members(member, body)
        while let inner = members.next(in: body) {
            if inner.name(in: body) == "value" { value = try self.flag(inner, body) }
        }
        return value
    }
}
