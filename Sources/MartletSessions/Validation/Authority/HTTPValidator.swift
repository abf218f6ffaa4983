// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHTTP
import MartletProtocol

/// Asks an authority over HTTP, a batch a call (`ValidationRequest`, `ValidationAnswer`).
package struct HTTPValidator: SessionValidator {
    private let authority: Authority

    package init(_ authority: Authority) { self.authority = authority }

    package func validate(_ sessions: [SessionToValidate]) async throws -> [ValidationOutcome] {
        let keys = sessions.map(\.identity.sessionKey)
        let request = ValidationRequest(
            sessions: zip(keys, sessions).map { key, session in
                let identity = session.identity
                return .init(session: key, user: identity.user, token: identity.token, issuedAt: identity.issuedAt)
            })
        let body = try await self.authority.call().post(request.json)
        var reasons: [String: String?] = [:]
        for invalid in try ValidationAnswer(body.span).invalid {
            reasons.updateValue(invalid.reason, forKey: invalid.session)
        }
        return keys.map { key in reasons[key].map { .revoked(reason: $0) } ?? .active }
    }

    package func shutdown() async { await self.authority.shutdown() }
}
