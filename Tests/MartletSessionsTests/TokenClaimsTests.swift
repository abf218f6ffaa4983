// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore
import MartletProtocol
import Testing

@testable import MartletSessions

@Suite struct TokenClaimsTests {
    private let now = 1_800_000_000.0

    private func verify(
        _ payload: String, _ change: (inout TokenVerifierConfiguration) -> Void = { _ in }
    ) throws -> TokenVerdict {
        var configuration = TokenVerifierConfiguration()
        configuration.hmacSecrets = [TestSigner.secret]
        change(&configuration)
        return try TokenVerifier(configuration).verify(handmade(#"{"alg":"HS256"}"#, payload), now: self.now)
    }

    // MARK: Time

    @Test(arguments: [
        ("1800000000", true), ("1799999940", true), ("1799999939", false), ("1799999940.9", true),
        ("1799999939.9", false), ("1.8e9", true), ("0", false),
    ])
    func expiresAfterTheLeeway(_ expiry: String, _ isAccepted: Bool) throws {
        let verdict = try self.verify(#"{"sub":"ada","exp":\#(expiry)}"#)
        #expect(verdict.rejection == (isAccepted ? nil : .expired))
    }

    @Test func leewayIsConfigurable() throws {
        #expect(try self.verify(#"{"exp":1799999999}"#) { $0.leeway = .zero }.rejection == .expired)
        #expect(try self.verify(#"{"exp":1800000000}"#) { $0.leeway = .zero }.identity != nil)
    }

    @Test func isNotValidBeforeItsTime() throws {
        #expect(try self.verify(#"{"nbf":1800000060}"#).identity != nil)
        #expect(try self.verify(#"{"nbf":1800000061}"#).rejection == .notYetValid)
        #expect(try self.verify(#"{"iat":1800000060}"#).identity != nil)
        // Milliseconds, as some issuers write them, are the far future.
        #expect(try self.verify(#"{"iat":1800000000000}"#).rejection == .notYetValid)
    }

    @Test func timesAreCountedInWholeSeconds() throws {
        let identity = try self.verify(#"{"sub":"ada","iat":1799999999.999,"exp":1800000100.999}"#).identity
        #expect(identity?.issuedAt == 1_799_999_999)
        #expect(identity?.expiresAt == 1_800_000_100)
    }

    @Test func connectionMayExpireApartFromItsToken() throws {
        #expect(try self.verify(#"{"exp":1800000100,"expire_at":1800009999}"#).identity?.expiresAt == 1_800_009_999)
        let never = try #require(try self.verify(#"{"exp":1800000100,"expire_at":0}"#).identity)
        #expect(never.expiresAt == nil)
        #expect(try #require(try self.verify("{}").identity).expiresAt == nil)
    }

    // MARK: Issuer and audience

    @Test func issuerMustMatch() throws {
        let issuer = { (configuration: inout TokenVerifierConfiguration) in configuration.issuer = "https://id" }
        #expect(try self.verify(#"{"iss":"https://id"}"#, issuer).identity != nil)
        #expect(try self.verify(#"{"iss":"https://id/"}"#, issuer).rejection == .wrongIssuer)
        #expect(try self.verify("{}", issuer).rejection == .wrongIssuer)
        #expect(try self.verify(#"{"iss":null}"#, issuer).rejection == .wrongIssuer)
    }

    @Test func audienceMustHaveOneOfOurs() throws {
        let audiences = { (configuration: inout TokenVerifierConfiguration) in configuration.audiences = ["a", "b"] }
        #expect(try self.verify(#"{"aud":"a"}"#, audiences).identity != nil)
        #expect(try self.verify(#"{"aud":["x","b"]}"#, audiences).identity != nil)
        #expect(try self.verify(#"{"aud":["x"]}"#, audiences).rejection == .wrongAudience)
        #expect(try self.verify(#"{"aud":[]}"#, audiences).rejection == .wrongAudience)
        #expect(try self.verify("{}", audiences).rejection == .wrongAudience)
    }

    // MARK: Life without bound

    @Test func unboundedTokensAreRefusedNamingTheClaim() throws {
        let refuse = { (configuration: inout TokenVerifierConfiguration) in
            configuration.unboundedTokens = .refuse
            configuration.tokenLifetimeMax = .seconds(3_600)
        }
        #expect(try self.verify(#"{"iat":1800000000,"exp":1800003600}"#, refuse).identity != nil)
        #expect(try self.verify(#"{"iat":1800000000,"exp":1800003601}"#, refuse).rejection == .unbounded(claim: "exp"))
        #expect(try self.verify(#"{"iat":1800000000}"#, refuse).rejection == .unbounded(claim: "exp"))
        #expect(try self.verify(#"{"exp":1800000000}"#, refuse).rejection == .unbounded(claim: "iat"))
        #expect(TokenRejection.unbounded(claim: "iat").text.hasSuffix("iat"))
        for policy in [UnboundedTokens.validate, .allow] {
            let verdict = try self.verify("{}") { configuration in
                refuse(&configuration)
                configuration.unboundedTokens = policy
            }
            #expect(verdict.identity != nil)
        }
    }

    // MARK: Content

    @Test func readsChannelsAndInfo() throws {
        let identity = try #require(
            try self.verify(
                #"{"sub":"ada","channels":["a","b"],"subs":{"b":{},"c":{"info":{"x":1}}},"info":{"name":"Ada"}}"#
            ).identity)
        #expect(identity.channels == ["a", "b", "c"])
        #expect(identity.info == Array(#"{"name":"Ada"}"#.utf8))
        let encoded = try #require(try self.verify(#"{"b64info":"eyJhIjoKMX0="}"#).identity)
        #expect(encoded.info == Array(#"{"a":1}"#.utf8))
    }

    @Test func indexesTheClaimsItIsToldTo() throws {
        let payload = #"{"org":"acme","device":42,"roles":["x","y"],"other":"z","gone":null}"#
        let identity = try #require(
            try self.verify(payload) { $0.claims = ["org", "device", "roles", "gone", "absent"] }.identity)
        #expect(
            identity.claims == [
                .init(name: "org", value: "acme"), .init(name: "device", value: "42"),
                .init(name: "roles", value: "x"), .init(name: "roles", value: "y"),
            ])
        // What cannot be indexed could not be revoked.
        #expect(try self.verify(#"{"org":{"id":1}}"#) { $0.claims = ["org"] }.rejection == .malformed)
        #expect(try self.verify(#"{"org":true}"#) { $0.claims = ["org"] }.rejection == .malformed)
        #expect(try self.verify(#"{"org":{"id":1}}"#).identity != nil)
    }

    @Test func emptyNamesAreNone() throws {
        let identity = try #require(try self.verify(#"{"sub":"","sid":"","jti":""}"#).identity)
        #expect(identity.isAnonymous && identity.session == nil && identity.token == nil)
    }

    // MARK: Bad input

    @Test(arguments: [
        "", "[]", "null", "{", #"{"sub":"a"}x"#, #"{"sub":1}"#, #"{"sid":1}"#, #"{"jti":[]}"#, #"{"exp":"1800000000"}"#,
        #"{"exp":-1}"#, #"{"iat":true}"#, #"{"iat":1e999}"#, #"{"aud":1}"#, #"{"aud":[1]}"#, #"{"channels":"a"}"#,
        #"{"channels":[1]}"#, #"{"subs":["a"]}"#, #"{"b64info":"%"}"#, #"{"b64info":"bm8="}"#, #"{"sub":"\ud800"}"#,
        #"{"iss":{}}"#,
    ])
    func refusesMalformedPayloads(_ payload: String) throws {
        #expect(try self.verify(payload).rejection == .malformed)
    }

    @Test(arguments: ["", ".", "..", "...", "a.b", "a.b.c", "é.é.é", "e30.e30.e30", "!!!!.e30.", " .e30.e30"])
    func refusesWhatIsNoToken(_ token: String) throws {
        var configuration = TokenVerifierConfiguration()
        configuration.hmacSecrets = [TestSigner.secret]
        let rejection = try TokenVerifier(configuration).verify(token, now: self.now).rejection
        #expect(rejection == .malformed || rejection == .unsupportedAlgorithm)
    }

    @Test func refusesLongTokens() throws {
        let padding = String(repeating: "x", count: 16_384)
        #expect(try self.verify(#"{"sub":"\#(padding)"}"#).rejection == .tooLong)
        #expect(try self.verify(#"{"sub":"\#(padding.prefix(12_000))"}"#).identity != nil)
    }

    @Test func survivesRandomBytes() throws {
        var configuration = TokenVerifierConfiguration()
        configuration.hmacSecrets = [TestSigner.secret]
        let verifier = try TokenVerifier(configuration)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 0...80)).map { _ in UInt8.random(in: 0...255, using: &random) }
            #expect(verifier.verify(String(decoding: bytes, as: UTF8.self)).identity == nil)
            // The same as the payload of a token that is otherwise in order.
            let token = handmade(#"{"alg":"HS256"}"#, String(decoding: bytes, as: UTF8.self))
            #expect(verifier.verify(token).rejection == .malformed)
        }
    }

    @Test func base64IsStrict() {
        for bytes in [[], [0], [0, 1], [0xFF, 0xFE, 0xFD], Array(0...255)] as [[UInt8]] {
            #expect(Base64URL.decode(Array(Base64URL.encode(bytes).utf8)[...]) == bytes)
        }
        for text in ["A", "AA=", "AA==", "A+", "A/", "AB", "AAB", " AA", "AA\n", "AAAAA"] {
            #expect(Base64URL.decode(Array(text.utf8)[...]) == nil)
        }
    }

    @Test func issuerWritesWhatTheVerifierReads() throws {
        let identity = Identity(
            user: "ada", session: "s", token: "t", issuedAt: 1_800_000_000, expiresAt: 1_800_000_100,
            claims: [.init(name: "org", value: "acme")], channels: ["a"], info: Array(#"{"x":1}"#.utf8))
        var configuration = TokenVerifierConfiguration()
        configuration.hmacSecrets = ["s3cret"]
        configuration.claims = ["org"]
        let token = TokenIssuer(secret: "s3cret").token(for: identity)
        let read = try #require(try TokenVerifier(configuration).verify(token, now: self.now).identity)
        #expect(read.user == "ada" && read.session == "s" && read.token == "t")
        #expect(read.issuedAt == 1_800_000_000 && read.expiresAt == 1_800_000_100)
        #expect(read.claims == identity.claims && read.channels == ["a"] && read.info == identity.info)
    }
}
