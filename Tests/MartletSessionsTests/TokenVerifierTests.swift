// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import MartletCore
import MartletInstruments
import Testing

@testable import MartletSessions

@Suite struct TokenVerifierTests {
    private let now = 1_800_000_000.0

    @Test(arguments: TokenAlgorithm.allCases)
    func acceptsWhatAnotherLibrarySigned(_ algorithm: TokenAlgorithm) async throws {
        let signer = try await TestSigner(algorithm)
        let token = try await signer.token([
            "sub": "ada", "sid": "s-1", "jti": "t-1", "iat": 1_799_999_990, "exp": 1_800_003_600,
        ])
        let verifier = try TokenVerifier(signer.configuration())
        // Twice: the second answer may come from the tokens that are remembered.
        for _ in 0..<2 {
            let identity = try #require(verifier.verify(token, now: self.now).identity)
            #expect(identity.user == "ada")
            #expect(identity.session == "s-1")
            #expect(identity.token == "t-1")
            #expect(identity.issuedAt == 1_799_999_990)
            #expect(identity.expiresAt == 1_800_003_600)
        }
        #expect(verifier.verify(token, now: 1_800_003_660.9).identity != nil)
        #expect(verifier.verify(token, now: 1_800_003_661).rejection == .expired)
    }

    @Test(arguments: TokenAlgorithm.allCases)
    func refusesEveryChangedByte(_ algorithm: TokenAlgorithm) async throws {
        let signer = try await TestSigner(algorithm)
        let token = Array(try await signer.token(["sub": "ada"]).utf8)
        let verifier = try TokenVerifier(signer.configuration())
        for index in stride(from: 0, to: token.count, by: algorithm == .hs256 ? 1 : 7) {
            var changed = token
            changed[index] = changed[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            #expect(verifier.verify(String(decoding: changed, as: UTF8.self), now: self.now).rejection != nil)
        }
        #expect(verifier.verify(String(decoding: token, as: UTF8.self), now: self.now).identity != nil)
    }

    @Test(arguments: TokenAlgorithm.allCases)
    func refusesAnotherKey(_ algorithm: TokenAlgorithm) async throws {
        let token = try await TestSigner(algorithm).token(["sub": "ada"])
        var configuration = TokenVerifierConfiguration()
        configuration.hmacSecrets = ["another secret"]
        configuration.publicKeys = [
            try await TestSigner(algorithm == .es256 ? .es384 : .es256).pem, try await TestSigner(.edDSA).pem,
        ]
        if algorithm == .edDSA { configuration.publicKeys.removeLast() }
        let rejection = try TokenVerifier(configuration).verify(token, now: self.now).rejection
        #expect(rejection == (algorithm.rawValue.hasPrefix("HS") ? .badSignature : .unknownKey))
    }

    @Test func trySeveralSecretsWhileTheyAreRotated() throws {
        var configuration = TokenVerifierConfiguration()
        configuration.hmacSecrets = ["new", "old"]
        let verifier = try TokenVerifier(configuration)
        for secret in ["new", "old"] {
            let token = TokenIssuer(secret: secret).token(for: Identity(user: "ada"))
            #expect(verifier.verify(token, now: self.now).identity?.user == "ada")
        }
        let other = TokenIssuer(secret: "other").token(for: Identity(user: "ada"))
        #expect(verifier.verify(other, now: self.now).rejection == .badSignature)
    }

    @Test func takesOtherKeysOrNone() async throws {
        let signer = try await TestSigner(.es256)
        var configuration = TokenVerifierConfiguration()
        configuration.hmacSecrets = ["old"]
        let verifier = try TokenVerifier(configuration)
        let token = TokenIssuer(secret: "old").token(for: Identity(user: "ada"))
        let signed = try await signer.token(["sub": "ada"])
        #expect(verifier.verify(token, now: self.now).identity != nil)
        #expect(throws: TokenKeyError.self) { try verifier.replaceKeys(hmacSecrets: ["new"], publicKeys: ["no PEM"]) }
        #expect(verifier.verify(token, now: self.now).identity != nil)
        try verifier.replaceKeys(hmacSecrets: ["new"], publicKeys: [signer.pem])
        #expect(verifier.verify(token, now: self.now).identity == nil)
        #expect(verifier.verify(signed, now: self.now).identity != nil)
        // Also where the token was remembered.
        try verifier.replaceKeys(hmacSecrets: ["new"], publicKeys: [])
        #expect(verifier.verify(signed, now: self.now).identity == nil)
    }

    // MARK: Algorithms are the key's

    @Test func publicKeyIsNoSecret() async throws {
        let rsa = try await TestSigner(.rs256)
        let verifier = try TokenVerifier(rsa.configuration())
        // The classic attack: sign with HMAC under the text of the public key.
        let forged = handmade(#"{"alg":"HS256"}"#, #"{"sub":"ada"}"#, secret: rsa.pem)
        #expect(verifier.verify(forged, now: self.now).rejection == .unknownKey)
        #expect(throws: TokenKeyError.self) {
            var configuration = TokenVerifierConfiguration()
            configuration.hmacSecrets = [rsa.pem]
            _ = try TokenVerifier(configuration)
        }
    }

    @Test func refusesNoneAndUnknownAlgorithms() throws {
        var configuration = TokenVerifierConfiguration()
        configuration.hmacSecrets = [TestSigner.secret]
        let verifier = try TokenVerifier(configuration)
        for algorithm in ["none", "None", "hs256", "PS256", "ES256K", ""] {
            let token = handmade(#"{"alg":"\#(algorithm)"}"#, #"{"sub":"ada"}"#)
            #expect(verifier.verify(token, now: self.now).rejection == .unsupportedAlgorithm)
        }
        let unsigned = handmade(#"{"alg":"none"}"#, #"{}"#).split(separator: ".").dropLast().joined(separator: ".")
        #expect(verifier.verify(unsigned + ".", now: self.now).rejection == .unsupportedAlgorithm)
        #expect(verifier.verify(handmade(#"{}"#, #"{"sub":"ada"}"#)).rejection == .unsupportedAlgorithm)
        // A valid HS256 code under a header that claims another algorithm of the same key.
        #expect(verifier.verify(handmade(#"{"alg":"HS512"}"#, "{}")).rejection == .badSignature)
        #expect(verifier.verify(handmade(#"{"alg":"RS256"}"#, "{}")).rejection == .unknownKey)
    }

    @Test func refusesCriticalExtensions() throws {
        var configuration = TokenVerifierConfiguration()
        configuration.hmacSecrets = [TestSigner.secret]
        let token = handmade(#"{"alg":"HS256","crit":["b64"],"b64":false}"#, #"{"sub":"ada"}"#)
        #expect(try TokenVerifier(configuration).verify(token).rejection == .malformed)
    }

    // MARK: Keys of the configuration

    @Test func refusesKeysThatCannotBeUsed() {
        for pem in ["", "no PEM", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"] {
            var configuration = TokenVerifierConfiguration()
            configuration.publicKeys = [pem]
            #expect(throws: TokenKeyError.self) { try TokenVerifier(configuration) }
        }
        var configuration = TokenVerifierConfiguration()
        configuration.hmacSecrets = [""]
        #expect(throws: TokenKeyError.self) { try TokenVerifier(configuration) }
    }

    @Test func countsVerdicts() throws {
        let registry = MetricsRegistry()
        var configuration = TokenVerifierConfiguration()
        configuration.hmacSecrets = [TestSigner.secret]
        let verifier = try TokenVerifier(
            configuration, metrics: SessionMetrics(registry), logger: Logger(label: "test"))
        _ = verifier.verify(TokenIssuer(secret: TestSigner.secret).token(for: Identity(user: "ada")))
        _ = verifier.verify("nonsense")
        #expect(registry.exposition().contains("martlet_tokens_verified_total 1\n"))
        #expect(registry.exposition().contains("martlet_tokens_rejected_total{reason=\"malformed\"} 1\n"))
    }

    @Test func forgetsOldTokensWhenItRemembersTooMany() async throws {
        let signer = try await TestSigner(.edDSA)
        var configuration = signer.configuration()
        configuration.cacheMax = 4
        let verifier = try TokenVerifier(configuration)
        for user in 0..<20 {
            let token = try await signer.token(["sub": .string("user-\(user)")])
            for _ in 0..<2 { #expect(verifier.verify(token, now: self.now).identity?.user == "user-\(user)") }
            #expect(verifier.rememberedTokens <= 4)
        }
    }
}

extension TestSigner {
    var pem: String { if case .pem(let pem) = self.key { pem } else { "" } }
}
