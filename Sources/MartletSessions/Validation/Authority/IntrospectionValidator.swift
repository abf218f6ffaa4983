// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHTTP
import MartletProtocol

/// Shows an authority tokens, one a call (OAuth 2.0 token introspection, RFC 7662).
package struct IntrospectionValidator: SessionValidator {
    /// A client's secret in the body of the request; nil where it is in the head, or there is none.
    package struct Client: Sendable {
        package let id: String
        package let secret: String

        package init(id: String, secret: String) {
            self.id = id
            self.secret = secret
        }
    }

    private let authority: Authority
    private let client: Client?
    private let wall: @Sendable () -> Double

    package init(
        _ authority: Authority, client: Client? = nil, wall: @escaping @Sendable () -> Double = { Clock.wall }
    ) {
        self.authority = authority
        self.client = client
        self.wall = wall
    }

    package func validate(_ sessions: [SessionToValidate]) async throws -> [ValidationOutcome] {
        var outcomes: [ValidationOutcome] = []
        for session in sessions { outcomes.append(try await self.validate(session.identity)) }
        return outcomes
    }

    private func validate(_ identity: Identity) async throws -> ValidationOutcome {
        guard let credential = identity.credential else { return .unknown }
        var fields = [("token", String(decoding: credential, as: UTF8.self)), ("token_type_hint", "access_token")]
        if let client { fields += [("client_id", client.id), ("client_secret", client.secret)] }
        let body = try await self.authority.call(isForm: true).post(FormBody.encode(fields), type: FormBody.type)
        let (answer, now) = (try IntrospectionAnswer(body.span), self.wall())
        guard answer.isActive else {
            // Of a token that is past its time nobody can say more; its connection ends by itself.
            if let end = identity.expiresAt, Double(end) <= now { return .unknown }
            return .revoked(reason: nil)
        }
        guard let expiresAt = answer.expiresAt else { return .active }
        // Asked about again when it should have ended; a second later, as times are whole seconds.
        return .activeFor(.seconds(Swift.min(Swift.max(expiresAt - now + 1, 1), 1e9)))
    }

    package func shutdown() async { await self.authority.shutdown() }
}
