// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Dispatch
import Foundation
import Logging
import MartletCore
import MartletInstruments
import MartletProtocol
import Synchronization
import TestSupport
import Testing

@testable import MartletSessions

@Suite("Tokens of identity providers")
struct EventTokenVerifierTests {
    private static let issuedAt = 1_700_000_000.0
    private static let logout = #""events":{"http://schemas.openid.net/event/backchannel-logout":{}}"#

    private static func ring(_ change: (inout KeyRingConfiguration) -> Void = { _ in }) throws -> KeyRing {
        var settings = KeyRingConfiguration()
        settings.jwksCooldown = .milliseconds(1)
        change(&settings)
        return try KeyRing(settings, metrics: SessionMetrics(MetricsRegistry()), logger: Logger(label: "test"))
    }

    private static func verifier(
        _ ring: KeyRing? = nil, isStrict: Bool = false, kind: EventTokenKind = .logout,
        _ change: (inout EventTokenConfiguration) -> Void = { _ in }
    ) throws -> EventTokenVerifier {
        var settings = EventTokenConfiguration(kind)
        settings.isStrict = isStrict
        change(&settings)
        return EventTokenVerifier(
            settings, keys: try ring ?? Self.ring { $0.hmacSecrets = [TestSigner.secret] })
    }

    private static func token(
        _ claims: String = #""iss":"idp","aud":"us","exp":1700000120,"sid":"s","#, type: String? = "logout+jwt",
        header: String? = nil, secret: String = TestSigner.secret
    ) -> String {
        let typed = type.map { #","typ":"\#($0)""# } ?? ""
        return handmade(
            header ?? #"{"alg":"HS256"\#(typed)}"#, #"{\#(claims)"iat":1700000000,"jti":"j",\#(Self.logout)}"#,
            secret: secret)
    }

    private static func judge(
        _ verifier: EventTokenVerifier, _ token: String, at time: Double = issuedAt + 1
    ) -> EventTokenVerdict {
        let bytes = Array(token.utf8)
        return verifier.judge(record: bytes.span, writtenAt: time)
    }

    private static func isVerified(_ verdict: EventTokenVerdict) -> Bool {
        if case .verified(let claims) = verdict { claims.target == .session("s") } else { false }
    }

    private static func isUnverified(_ verdict: EventTokenVerdict) -> Bool {
        if case .unverified(let claims) = verdict { claims.target == .session("s") } else { false }
    }

    private static func refusal(_ verifier: EventTokenVerifier, _ token: String, now: Double) async -> BadRecordReason?
    {
        do throws(BadRecordReason) {
            _ = try await verifier.judge(delivered: token, now: now)
            return nil
        } catch {
            return error
        }
    }

    // MARK: In a topic

    @Test func aGoodTokenIsVerified() throws {
        for isStrict in [false, true] {
            let verifier = try Self.verifier(isStrict: isStrict)
            #expect(Self.isVerified(Self.judge(verifier, Self.token())))
            // As tools write them.
            #expect(Self.isVerified(Self.judge(verifier, Self.token() + "\n")))
            #expect(Self.isVerified(Self.judge(verifier, "\"\(Self.token())\"")))
            for type in [nil, "JWT", "application/logout+jwt"] {
                #expect(Self.isVerified(Self.judge(verifier, Self.token(type: type))))
            }
        }
    }

    @Test(arguments: [false, true]) func whatIsWrongWithItIsRefused(isStrict: Bool) throws {
        let verifier = try Self.verifier(isStrict: isStrict) {
            $0.issuer = "idp"
            $0.audiences = ["us", "we"]
        }
        #expect(Self.isVerified(Self.judge(verifier, Self.token())))
        let cases: [(String, BadRecordReason)] = [
            ("", .malformed), ("x", .malformed), ("a.b.c", .malformed), (Self.token() + "=", .malformed),
            (String(repeating: "x", count: 65_537), .tooLong),
            (Self.token(secret: "another secret of the tests, which nobody has given to the verifier"), .badSignature),
            (Self.token(header: #"{"alg":"none"}"#), .unsupportedAlgorithm),
            (Self.token(type: "at+jwt"), .wrongTokenType), (Self.token(type: "secevent+jwt"), .wrongTokenType),
            (Self.token(#""iss":"evil","aud":"us","sid":"s","#), .wrongIssuer),
            (Self.token(#""aud":"us","sid":"s","#), .wrongIssuer),
            (Self.token(#""iss":"idp","aud":["them"],"sid":"s","#), .wrongAudience),
            (Self.token(#""iss":"idp","sid":"s","#), .wrongAudience),
            (Self.token(#""iss":"idp","aud":"us","nonce":"n","sid":"s","#), .unexpectedNonce),
            (Self.token(#""iss":"idp","aud":"us","#), .missingTarget),
        ]
        for (token, reason) in cases {
            #expect(Self.judge(verifier, token) == .refused(reason), "\(token.prefix(100))")
        }
    }

    /// Logout tokens live for two minutes, topics for days: what counts is when the record was written.
    @Test func itIsJudgedByTheTimeOfItsRecord() throws {
        let verifier = try Self.verifier()
        #expect(Self.isVerified(Self.judge(verifier, Self.token(), at: Self.issuedAt + 180)))
        #expect(Self.judge(verifier, Self.token(), at: Self.issuedAt + 181) == .refused(.expired))
        // Whose clock is ahead is taken as of its record, unless it is not trusted.
        #expect(Self.isVerified(Self.judge(verifier, Self.token(), at: Self.issuedAt - 3_600)))
        let strict = try Self.verifier(isStrict: true)
        #expect(Self.judge(strict, Self.token(), at: Self.issuedAt - 61) == .refused(.notYetValid))
        #expect(Self.isVerified(Self.judge(strict, Self.token(), at: Self.issuedAt - 60)))
        // One without an end is taken.
        #expect(Self.isVerified(Self.judge(verifier, Self.token(#""sid":"s","#), at: Self.issuedAt + 1e6)))
    }

    @Test func anUnknownKeyIsTakenUnlessStrict() async throws {
        let document = Mutex(#"{"keys":[]}"#)
        try await TestHTTPServer.run({ _ in .init(document.withLock { $0 }) }) { server in
            func ring() throws -> KeyRing { try Self.ring { $0.jwksURL = server.url("/jwks") } }
            let signer = try await TestSigner(.es256, keyID: "new")
            let token = try await signer.token([
                "sid": "s", "iat": 1_700_000_000,
                "events": ["http://schemas.openid.net/event/backchannel-logout": [:]],
            ])
            let lenient = try Self.verifier(try ring())
            #expect(Self.isUnverified(Self.judge(lenient, token)))
            // It never waits, but it looks for the key.
            #expect(await eventually { server.requests.count >= 1 })
            let strict = try Self.verifier(try ring(), isStrict: true)
            #expect(Self.judge(strict, token) == .refused(.keysUnavailable))
            let key = TestKeys.p256.publicKey.rawRepresentation
            func text(_ bytes: Data) -> String { Base64URL.encode(Array(bytes)) }
            let entry =
                #"{"kty":"EC","crv":"P-256","kid":"new","x":"\#(text(key.prefix(32)))","y":"\#(text(key.suffix(32)))"}"#
            document.withLock { $0 = #"{"keys":[\#(entry)]}"# }
            // A strict one waits for a key that was published meanwhile.
            #expect(await eventually { Self.isVerified(Self.judge(strict, token)) })
            #expect(await eventually { Self.isVerified(Self.judge(lenient, token)) })
            // The key is known now, and has not signed this.
            let forged = String(token.dropLast(4)) + "AAAA"
            #expect(Self.judge(lenient, forged) == .refused(.badSignature))
            let other = try await TestSigner(.es384, keyID: "none").token([
                "sid": "s", "iat": 1_700_000_000,
                "events": ["http://schemas.openid.net/event/backchannel-logout": [:]],
            ])
            #expect(Self.isUnverified(Self.judge(lenient, other)))
        }
    }

    /// A server of keys that hangs holds the reader up once, and not again before the cool-down is over, which is
    /// shorter here than the fetch: it counts from where that ended.
    @Test func aServerOfKeysThatHangsHoldsTheReaderUpOnce() async throws {
        try await TestHTTPServer.run({ _ in .init("{}", delay: .seconds(3_600)) }) { server in
            let ring = try Self.ring { settings in
                settings.jwksURL = server.url("/jwks")
                settings.jwksTimeout = .seconds(3)
                settings.jwksCooldown = .seconds(2)
            }
            let verifier = try Self.verifier(ring, isStrict: true)
            let token = Self.token(header: #"{"alg":"ES256","kid":"k"}"#)
            let start = ContinuousClock.now
            // On a thread of its own, as a reader has one: it blocks.
            let verdicts = await withCheckedContinuation { continuation in
                DispatchQueue(label: "reader").async {
                    continuation.resume(returning: (0..<20).map { _ in Self.judge(verifier, token) })
                }
            }
            let elapsed = start.duration(to: .now)
            #expect(verdicts.allSatisfy { $0 == .refused(.keysUnavailable) })
            // Twenty fetches would be a minute.
            #expect(elapsed >= .seconds(2) && elapsed < .seconds(20))
            #expect(server.requests.count == 1)
        }
    }

    // MARK: Delivered

    @Test func whatIsDeliveredIsJudgedStrictly() async throws {
        let verifier = try Self.verifier {
            $0.issuer = "idp"
            $0.audiences = ["us"]
        }
        let now = Self.issuedAt + 1
        #expect(await Self.refusal(verifier, Self.token(), now: now) == nil)
        #expect(await Self.refusal(verifier, Self.token(), now: Self.issuedAt + 181) == .expired)
        #expect(await Self.refusal(verifier, Self.token(), now: Self.issuedAt - 61) == .notYetValid)
        let endless = Self.token(#""iss":"idp","aud":"us","sid":"s","#)
        #expect(await Self.refusal(verifier, endless, now: now) == .missingAttribute)
        #expect(await Self.refusal(verifier, Self.token(type: "id+jwt"), now: now) == .wrongTokenType)
        #expect(await Self.refusal(verifier, "x", now: now) == .malformed)
        let unknown = Self.token(header: #"{"alg":"ES256","kid":"k"}"#)
        #expect(await Self.refusal(verifier, unknown, now: now) == .unknownKey)
        let forged = Self.token(secret: "another secret of the tests, which nobody has given to the verifier")
        #expect(await Self.refusal(verifier, forged, now: now) == .badSignature)
        // Keys that cannot be had are no fault of the token's.
        let away = try Self.verifier(try Self.ring { $0.jwksURL = "http://127.0.0.1:1/jwks" })
        #expect(await Self.refusal(away, unknown, now: now) == .keysUnavailable)
    }

    @Test func securityEventsNeedNoEnd() async throws {
        let verifier = try Self.verifier(kind: .securityEvent)
        let token = handmade(
            #"{"alg":"HS256","typ":"secevent+jwt"}"#,
            #"{"iat":1700000000,"sub":"u","events":{"https://schemas.openid.net/secevent/caep/event-type/session-revoked":{}}}"#
        )
        #expect(try await verifier.judge(delivered: token, now: Self.issuedAt + 86_400).target == .user("u"))
    }
}
