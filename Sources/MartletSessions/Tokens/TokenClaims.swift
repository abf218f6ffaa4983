// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletProtocol

/// The claims of a connection token, read but not yet judged.
struct TokenClaims {
    var user = ""
    var session: String?
    var token: String?
    var issuer: String?
    var audiences: [String] = []
    var issuedAt: Int64?
    var notBefore: Int64?
    var expiresAt: Int64?
    /// `expire_at`: when the connection expires, apart from its token; zero for never.
    var connectionExpiresAt: Int64?
    var channels: [String] = []
    var info: [UInt8]?
    var indexed: [Identity.Claim] = []

    /// - Parameter names: The claims that are indexed.
    /// - Returns: Nil where the bytes are not a JSON object, or a claim is of another type than it must be.
    init?(_ bytes: [UInt8], indexing names: [String]) {
        let text = bytes.span
        guard let document = JSONScanner.document(text), document.kind == .object else { return nil }
        var members = document.members
        while let member = members.next(in: text) {
            guard let name = member.key.string(in: text) else { return nil }
            // A claim that is null is one that is not there.
            guard !member.value.isNull else { continue }
            guard self.read(name, member.value, in: text) else { return nil }
            guard names.contains(name) else { continue }
            guard self.index(name, member.value, in: text) else { return nil }
        }
    }

    /// False where the claim is malformed.
    private mutating func read(_ name: String, _ value: JSONValue, in text: Span<UInt8>) -> Bool {
        switch name {
        case "sub": return Self.set(&self.user, value.string(in: text))
        case "sid": return Self.set(&self.session, value.string(in: text))
        case "jti": return Self.set(&self.token, value.string(in: text))
        case "iss": return Self.set(&self.issuer, value.string(in: text))
        case "aud": return Self.set(&self.audiences, Self.strings(value, in: text))
        case "iat": return Self.set(&self.issuedAt, Self.time(value, in: text))
        case "nbf": return Self.set(&self.notBefore, Self.time(value, in: text))
        case "exp": return Self.set(&self.expiresAt, Self.time(value, in: text))
        case "expire_at": return Self.set(&self.connectionExpiresAt, Self.time(value, in: text))
        case "info": return Self.set(&self.info, value.raw(in: text))
        case "b64info": return Self.set(&self.info, Self.embedded(value, in: text))
        case "channels":
            guard value.kind == .array, let channels = Self.strings(value, in: text) else { return false }
            self.add(channels)
        case "subs":
            guard value.kind == .object, let channels = Self.keys(value, in: text) else { return false }
            self.add(channels)
        default: break
        }
        return true
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

    private mutating func add(_ channels: [String]) {
        for channel in channels where !self.channels.contains(channel) { self.channels.append(channel) }
    }

    private static func set<Value>(_ target: inout Value, _ value: Value?) -> Bool {
        guard let value else { return false }
        target = value
        return true
    }

    private static func set<Value>(_ target: inout Value?, _ value: Value?) -> Bool {
        target = value
        return value != nil
    }

    /// Seconds since 1970, as RFC 7519 section 2 has them: with a fraction or without, counted in whole ones here.
    private static func time(_ value: JSONValue, in text: Span<UInt8>) -> Int64? {
        guard let seconds = value.double(in: text), seconds >= 0 else { return nil }
        return Int64(min(seconds, 1e15).rounded(.down))
    }

    private static func strings(_ value: JSONValue, in text: Span<UInt8>) -> [String]? {
        if value.kind == .string { return value.string(in: text).map { [$0] } }
        guard value.kind == .array else { return nil }
        var (strings, elements) = ([String](), value.elements)
        while let element = elements.next(in: text) {
            guard let string = element.string(in: text) else { return nil }
            strings.append(string)
        }
        return strings
    }

    private static func keys(_ value: JSONValue, in text: Span<UInt8>) -> [String]? {
        var (keys, members) = ([String](), value.members)
        while let member = members.next(in: text) {
            guard let key = member.key.string(in: text) else { return nil }
            keys.append(key)
        }
        return keys
    }

    /// Bytes in base 64 that are JSON, on one line.
    private static func embedded(_ value: JSONValue, in text: Span<UInt8>) -> [UInt8]? {
        guard let encoded = value.string(in: text), let bytes = Base64.decode(encoded) else {
            return nil
        }
        return JSONScanner.document(bytes.span)?.raw(in: bytes.span)
    }
}
