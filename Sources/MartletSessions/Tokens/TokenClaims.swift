// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol

/// The claims of a token, read but not yet judged.
struct TokenClaims {
    /// What a token is for.
    enum Purpose {
        case connection
        /// One channel.
        case subscription
    }

    var user = ""
    var session: String?
    var token: String?
    var issuer: String?
    var audiences: [String] = []
    var issuedAt: Int64?
    var notBefore: Int64?
    var expiresAt: Int64?
    /// `expire_at`: when the connection or the subscription expires, apart from its token; zero for never.
    var ownExpiresAt: Int64?
    var channels: [String] = []
    var subscriptions: [ServerSubscription] = []
    var info: [UInt8]?
    var meta: [UInt8]?
    /// What the token of a subscription is for; a connection's token names no channel.
    var channel = ""
    var client = ""
    var overrides = SubscriptionOverrides()
    var indexed: [Identity.Claim] = []

    /// - Parameter names: The claims that are indexed.
    /// - Returns: Nil where the bytes are not a JSON object, or a claim is of another type than it must be.
    init?(_ bytes: [UInt8], for purpose: Purpose, indexing names: [String]) {
        let text = bytes.span
        guard let document = JSONScanner.document(text), document.kind == .object else { return nil }
        var members = document.members
        while let member = members.next(in: text) {
            guard let name = member.key.string(in: text) else { return nil }
            // A claim that is null is one that is not there.
            guard !member.value.isNull else { continue }
            guard self.read(name, member.value, in: text, for: purpose) else { return nil }
            guard names.contains(name) else { continue }
            guard self.index(name, member.value, in: text) else { return nil }
        }
    }

    /// False where the claim is malformed.
    private mutating func read(_ name: String, _ value: JSONValue, in text: Span<UInt8>, for purpose: Purpose) -> Bool {
        switch name {
        case "sub": Self.set(&self.user, value.string(in: text))
        case "iss": Self.set(&self.issuer, value.string(in: text))
        case "aud": Self.set(&self.audiences, ClaimFields.strings(value, in: text))
        case "iat": Self.set(&self.issuedAt, ClaimFields.time(value, in: text))
        case "nbf": Self.set(&self.notBefore, ClaimFields.time(value, in: text))
        case "exp": Self.set(&self.expiresAt, ClaimFields.time(value, in: text))
        case "expire_at": Self.set(&self.ownExpiresAt, ClaimFields.time(value, in: text))
        case "info": Self.set(&self.info, value.raw(in: text))
        case "b64info": Self.set(&self.info, ClaimFields.embedded(value, in: text))
        case "channel": Self.set(&self.channel, value.string(in: text))
        default:
            switch purpose {
            case .connection: self.readConnection(name, value, in: text)
            case .subscription: self.readSubscription(name, value, in: text)
            }
        }
    }

    private mutating func readConnection(_ name: String, _ value: JSONValue, in text: Span<UInt8>) -> Bool {
        switch name {
        case "sid": return Self.set(&self.session, value.string(in: text))
        case "jti": return Self.set(&self.token, value.string(in: text))
        case "meta": return Self.set(&self.meta, value.raw(in: text))
        case "channels":
            return value.kind == .array && Self.set(&self.channels, ClaimFields.strings(value, in: text))
        case "subs": return Self.set(&self.subscriptions, ClaimFields.subscriptions(value, in: text))
        default: return true
        }
    }

    private mutating func readSubscription(_ name: String, _ value: JSONValue, in text: Span<UInt8>) -> Bool {
        switch name {
        case "client": Self.set(&self.client, value.string(in: text))
        case "override": Self.set(&self.overrides, ClaimFields.overrides(value, in: text))
        default: true
        }
    }

    /// A value that could not be indexed would be a session that no invalidation of the claim reaches.
    private mutating func index(_ name: String, _ value: JSONValue, in text: Span<UInt8>) -> Bool {
        if value.kind == .array {
            var elements = value.elements
            while let element = elements.next(in: text) {
                guard element.kind != .array, self.index(name, element, in: text) else { return false }
            }
            return true
        }
        let written: String? =
            switch value.kind {
            case .string: value.string(in: text)
            case .number: String(validating: value.raw(in: text), as: UTF8.self)
            default: nil
            }
        guard let written else { return false }
        self.indexed.append(Identity.Claim(name: name, value: written))
        return true
    }

    /// When what the token is for expires; nil for never.
    var end: Int64? { self.ownExpiresAt.map { $0 == 0 ? nil : $0 } ?? self.expiresAt }

    private static func set<Value>(_ target: inout Value, _ value: Value?) -> Bool {
        guard let value else { return false }
        target = value
        return true
    }

    private static func set<Value>(_ target: inout Value?, _ value: Value?) -> Bool {
        target = value
        return value != nil
    }
}
