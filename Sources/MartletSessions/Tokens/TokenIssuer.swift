// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
package import MartletCore
import MartletProtocol

/// Signs connection tokens with HS256: for `martlet token`, the demo and tests.
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
        if !identity.channels.isEmpty {
            claims.key("channels")
            claims.beginArray()
            for channel in identity.channels { claims.string(channel) }
            claims.endArray()
        }
        for claim in identity.claims { claims.member(claim.name, claim.value) }
        claims.endObject()
        return self.sign(claims.bytes)
    }

    private func sign(_ claims: [UInt8]) -> String {
        let header = Base64URL.encode(Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8))
        let message = header + "." + Base64URL.encode(claims)
        var state = self.state
        state.update(data: Array(message.utf8))
        return message + "." + Base64URL.encode(Array(state.finalize()))
    }
}
