// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore
import MartletProtocol
import TestSupport
import Testing

@testable import MartletSessions

@Suite struct AuthorityTests {
    private static func identity(_ credential: String? = "a.b.c", expiresAt: Int64? = nil) -> Identity {
        Identity(
            user: "u", session: "s", token: "t", issuedAt: 1, expiresAt: expiresAt,
            credential: credential.map { Array($0.utf8) })
    }

    private static func introspect(
        _ answer: TestHTTPServer.Response, _ identity: Identity = Self.identity(), now: Double = 1_000,
        client: IntrospectionValidator.Client? = nil, credentials: AuthorityCredentials.Kind = .none
    ) async throws -> (ValidationOutcome, [TestHTTPServer.Request]) {
        try await TestHTTPServer.run({ _ in answer }) { server in
            var authority = Authority(url: server.url("/introspect"))
            authority.credentials = AuthorityCredentials(credentials)
            authority.headers = [("X-Realm", "one")]
            let validator = IntrospectionValidator(authority, client: client, wall: { now })
            let outcomes = try await validator.validate([SessionToValidate(identity: identity)])
            return (try #require(outcomes.first), server.requests)
        }
    }

    // MARK: Introspection

    @Test func aTokenIsShownAndItsAnswerRead() async throws {
        let (outcome, requests) = try await Self.introspect(
            .init(#"{"active":true,"scope":"x","exp":1600,"sub":"u"}"#), Self.identity("a+b/c.d"))
        #expect(outcome == .activeFor(.seconds(601)))
        let request = try #require(requests.first)
        #expect(request.text == "token=a%2Bb%2Fc.d&token_type_hint=access_token")
        #expect(request.headers["content-type"] == "application/x-www-form-urlencoded")
        #expect(request.headers["authorization"] == nil)
        #expect(request.headers["x-realm"] == "one")
    }

    @Test func clientsAuthenticateInEachWay() async throws {
        let active = TestHTTPServer.Response(#"{"active":true}"#)
        let (outcome, head) = try await Self.introspect(active, credentials: .basic(user: "a b", password: "p:w"))
        #expect(outcome == .active)
        // RFC 6749 section 2.3.1: encoded as in a form, then joined.
        let basic = Data("a%20b:p%3Aw".utf8).base64EncodedString()
        #expect(head.first?.headers["authorization"] == "Basic \(basic)")
        let (_, body) = try await Self.introspect(active, client: .init(id: "a b", secret: "p&w"))
        #expect(body.first?.text.hasSuffix("&client_id=a%20b&client_secret=p%26w") ?? false)
        let (_, bearer) = try await Self.introspect(active, credentials: .bearer("x"))
        #expect(bearer.first?.headers["authorization"] == "Bearer x")
    }

    @Test func inactiveEndsATokenUnlessItsTimeIsOver() async throws {
        let inactive = TestHTTPServer.Response(#"{"active":false}"#)
        #expect(try await Self.introspect(inactive).0 == .revoked(reason: nil))
        #expect(try await Self.introspect(inactive, Self.identity(expiresAt: 1_001)).0 == .revoked(reason: nil))
        #expect(try await Self.introspect(inactive, Self.identity(expiresAt: 1_000)).0 == .unknown)
        let (outcome, requests) = try await Self.introspect(inactive, Self.identity(nil))
        #expect(outcome == .unknown && requests.isEmpty)
    }

    @Test(arguments: [
        TestHTTPServer.Response(status: 401, #"{"active":false}"#), .init("{}"), .init(#"{"active":"false"}"#),
        .init(#"{"active":1}"#), .init("[]"), .init(""), .init(#"{"active":true,"active":false}"#),
        .init(#"{"active":true,"exp":"soon"}"#),
    ])
    func anythingElseIsNoAnswer(_ answer: TestHTTPServer.Response) async {
        await #expect(throws: (any Error).self) { try await Self.introspect(answer) }
    }

    // MARK: Credentials

    @Test func basicAuthenticationIsNotEncodedForABatchEndpoint() throws {
        let credentials = AuthorityCredentials(.basic(user: "a b", password: "p:w"))
        #expect(try credentials.authorization() == "Basic \(Data("a b:p:w".utf8).base64EncodedString())")
        #expect(try AuthorityCredentials(.none).authorization() == nil)
    }

    @Test func aTokenInAFileMayBeReplaced() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let credentials = AuthorityCredentials(.bearerFile(path))
        #expect(throws: AuthorityCredentials.Unreadable.self) { try credentials.authorization(now: 0) }
        try Data("first\n".utf8).write(to: URL(fileURLWithPath: path))
        #expect(try credentials.authorization(now: 0) == "Bearer first")
        try Data("second".utf8).write(to: URL(fileURLWithPath: path))
        #expect(try credentials.authorization(now: 14_000_000_000) == "Bearer first")
        #expect(try credentials.authorization(now: 15_000_000_000) == "Bearer second")
        try Data("two\nlines".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: AuthorityCredentials.Unreadable.self) { try credentials.authorization(now: 40_000_000_000) }
    }
}
