// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
package import MartletCore
import MartletProtocol

/// Signs tokens with HS256: for `martlet token`, the demo and tests.
package struct TokenIssuer: Sendable {
    private let state: HMAC<SHA256>

    package init(secret: String) { self.state = HMAC(key: SymmetricKey(data: Array(secret.utf8))) }

    /// A token that says what the identity does; `session` and `token` are drawn by the caller where wanted.
    package func token(for identity: Identity) -> String {
        var claims = JSONWriter()
        claims.beginObject()
        claims.member("sub", identity.user)
        claims.member("sid", ifAny: identity.session)
        claims.member("jti", ifAny: identity.token)
        if let issuedAt = identity.issuedAt { claims.member("iat", issuedAt) }
        if let expiresAt = identity.expiresAt { claims.member("exp", expiresAt) }
        claims.member("info", ifAny: identity.info)
        claims.member("meta", ifAny: identity.meta)
        Self.write(identity.subscriptions, to: &claims)
        for claim in identity.claims { claims.member(claim.name, claim.value) }
        claims.endObject()
        return self.sign(claims.bytes)
    }

    /// A token for one channel.
    package func token(for subscription: SubscriptionToken) -> String {
        var claims = JSONWriter()
        claims.beginObject()
        claims.member("sub", subscription.user)
        claims.member("channel", subscription.channel)
        claims.member("client", ifAny: subscription.client)
        claims.member("info", ifAny: subscription.info)
        if let expiresAt = subscription.expiresAt { claims.member("exp", expiresAt) }
        Self.write(subscription.overrides, to: &claims)
        claims.endObject()
        return self.sign(claims.bytes)
    }

    /// Those that say no more than their names as `channels`, the others as `subs`.
    private static func write(_ subscriptions: [ServerSubscription], to claims: inout JSONWriter) {
        let plain = subscriptions.filter { $0 == ServerSubscription(channel: $0.channel) }
        let detailed = subscriptions.filter { $0 != ServerSubscription(channel: $0.channel) }
        if !plain.isEmpty {
            claims.key("channels")
            claims.beginArray()
            for subscription in plain { claims.string(subscription.channel) }
            claims.endArray()
        }
        guard !detailed.isEmpty else { return }
        claims.key("subs")
        claims.beginObject()
        for subscription in detailed {
            claims.key(subscription.channel)
            claims.beginObject()
            claims.member("info", ifAny: subscription.info)
            claims.member("data", ifAny: subscription.data)
            if let expiresAt = subscription.expiresAt { claims.member("expire_at", expiresAt) }
            Self.write(subscription.overrides, to: &claims)
            claims.endObject()
        }
        claims.endObject()
    }

    private static func write(_ overrides: SubscriptionOverrides, to claims: inout JSONWriter) {
        guard !overrides.isEmpty else { return }
        claims.key("override")
        claims.beginObject()
        for (name, value) in [
            ("presence", overrides.presence), ("join_leave", overrides.joinLeave),
            ("force_push_join_leave", overrides.forceJoinLeave), ("force_recovery", overrides.forceRecovery),
            ("force_positioning", overrides.forcePositioning),
        ] {
            guard let value else { continue }
            claims.key(name)
            claims.beginObject()
            claims.member("value", value)
            claims.endObject()
        }
        claims.endObject()
    }

    private func sign(_ claims: [UInt8]) -> String {
        let header = Base64URL.encode(Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8))
        let message = header + "." + Base64URL.encode(claims)
        var state = self.state
        state.update(data: Array(message.utf8))
        return message + "." + Base64URL.encode(Array(state.finalize()))
    }
}
