// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Who a connection is, as its token (or the back-end's answer) said: immutable and shared by all that refer to it.
///
/// A node holds one per session and shard at most, so its strings are packed into one block of bytes.
package final class Identity: Sendable {
    /// A claim that the configuration indexes, so that an invalidation can name it.
    package struct Claim: Hashable, Sendable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// `sub`, `sid` and `jti`, one after the other, in UTF-8.
    private let packed: [UInt8]
    private let userEnd: UInt16
    private let sessionEnd: UInt16
    private let extras: Extras?

    /// What most identities do not carry.
    private final class Extras: Sendable {
        let claims: [Claim]
        let channels: [String]
        /// Those of the channels that come with more than their name.
        let detailed: [ServerSubscription]
        let info: [UInt8]?
        let meta: [UInt8]?
        let credential: [UInt8]?

        init(
            claims: [Claim], channels: [String], detailed: [ServerSubscription], info: [UInt8]?, meta: [UInt8]?,
            credential: [UInt8]?
        ) {
            self.claims = claims
            self.channels = channels
            self.detailed = detailed
            self.info = info
            self.meta = meta
            self.credential = credential
        }
    }

    // Two optional integers would make it 16 bytes larger, which is what a session's memory is counted in.
    private let issued: Int64
    private let expires: Int64
    private static let never = Int64.min

    /// Each name is cut at 16,000 bytes by the caller's limits (`Limits.claimBytesMax`).
    ///
    /// - Parameters:
    ///   - channels: Channels to subscribe the connection to, by their names alone.
    ///   - subscriptions: More of them, with what they say beside their names.
    ///   - credential: The token itself, where it must be shown to somebody later.
    package init(
        user: String, session: String? = nil, token: String? = nil, issuedAt: Int64? = nil, expiresAt: Int64? = nil,
        claims: [Claim] = [], channels: [String] = [], subscriptions: [ServerSubscription] = [], info: [UInt8]? = nil,
        meta: [UInt8]? = nil, credential: [UInt8]? = nil
    ) {
        var packed = Array(user.utf8.prefix(Limits.claimBytesMax))
        self.userEnd = UInt16(packed.count)
        packed.append(contentsOf: (session ?? "").utf8.prefix(Limits.claimBytesMax))
        self.sessionEnd = UInt16(packed.count)
        packed.append(contentsOf: (token ?? "").utf8.prefix(Limits.claimBytesMax))
        self.packed = packed
        self.issued = issuedAt ?? Self.never
        self.expires = expiresAt ?? Self.never
        let isPlain =
            claims.isEmpty && channels.isEmpty && subscriptions.isEmpty && info == nil && meta == nil
            && credential == nil
        guard !isPlain else {
            self.extras = nil
            return
        }
        var seen: Set<String> = []
        let names = (channels + subscriptions.map(\.channel)).filter { seen.insert($0).inserted }
        let detailed = subscriptions.filter { $0 != ServerSubscription(channel: $0.channel) }
        self.extras = Extras(
            claims: claims, channels: names, detailed: detailed, info: info, meta: meta, credential: credential)
    }

    /// The same, as the back-end changed it for a connection that is open.
    package init(_ identity: Identity, expiresAt: Int64?, info: [UInt8]?) {
        self.packed = identity.packed
        self.userEnd = identity.userEnd
        self.sessionEnd = identity.sessionEnd
        self.issued = identity.issued
        self.expires = expiresAt ?? Self.never
        let old = identity.extras
        self.extras =
            old == nil && info == nil
            ? nil
            : Extras(
                claims: old?.claims ?? [], channels: old?.channels ?? [], detailed: old?.detailed ?? [], info: info,
                meta: old?.meta, credential: old?.credential)
    }

    /// When the token was issued, in whole seconds since 1970, or nil where it does not say.
    package var issuedAt: Int64? { self.issued == Self.never ? nil : self.issued }
    /// When the token expires, in whole seconds since 1970, or nil where it never does.
    package var expiresAt: Int64? { self.expires == Self.never ? nil : self.expires }
    /// `sub`; empty for an anonymous connection.
    package var user: String { String(decoding: self.packed[..<Int(self.userEnd)], as: UTF8.self) }
    /// `sid`, or nil.
    package var session: String? { self.text(Int(self.userEnd)..<Int(self.sessionEnd)) }
    /// `jti`, or nil.
    package var token: String? { self.text(Int(self.sessionEnd)..<self.packed.count) }
    package var claims: [Claim] { self.extras?.claims ?? [] }
    /// Channels the token subscribes its connection to.
    package var channels: [String] { self.extras?.channels ?? [] }
    /// The same with what the token says about each of them.
    package var subscriptions: [ServerSubscription] {
        guard let extras = self.extras else { return [] }
        return extras.channels.map { name in
            extras.detailed.first { $0.channel == name } ?? ServerSubscription(channel: name)
        }
    }
    /// Whether the token subscribes its connection to this channel, or lets it do so itself.
    package func has(_ channel: String) -> Bool { self.extras?.channels.contains(channel) ?? false }
    /// JSON for the back-end alone, sent with every question about the connection; nil for none.
    package var meta: [UInt8]? { self.extras?.meta }
    /// The token itself in UTF-8, kept only where the authority must be shown it.
    package var credential: [UInt8]? { self.extras?.credential }
    /// JSON shown to other users as `conn_info`, or nil.
    package var info: [UInt8]? { self.extras?.info }
    /// `sub`, `sid` and `jti` as they lie in memory, for who only compares them; an absent one is empty.
    package var names: (bytes: [UInt8], user: Range<Int>, session: Range<Int>, token: Range<Int>) {
        let (user, session) = (Int(self.userEnd), Int(self.sessionEnd))
        return (self.packed, 0..<user, user..<session, session..<self.packed.count)
    }
    package var isAnonymous: Bool { self.userEnd == 0 }

    /// What validation asks about: the session, else the token, else the user and the time of issue.
    package var sessionKey: String {
        self.session ?? self.token ?? "\(self.user)@\(self.issuedAt.map(String.init) ?? "-")"
    }

    private func text(_ range: Range<Int>) -> String? {
        range.isEmpty ? nil : String(decoding: self.packed[range], as: UTF8.self)
    }
}
