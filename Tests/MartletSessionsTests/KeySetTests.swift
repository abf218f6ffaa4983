// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
import Foundation
import JWTKit
import Logging
import MartletCore
import MartletInstruments
import MartletProtocol
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import MartletSessions

@Suite struct KeySetTests {
    private static func base64URL(_ data: some Sequence<UInt8>) -> String { Base64URL.encode(Array(data)) }

    /// Key sets as identity providers publish them, with members that JWTKit does not know.
    private static func ec(_ identifier: String) -> String {
        let point = TestKeys.p256.publicKey.rawRepresentation
        return """
            {"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"\(identifier)","ext":true,
             "x":"\(Self.base64URL(point.prefix(32)))","y":"\(Self.base64URL(point.suffix(32)))"}
            """
    }

    private static func rsa(_ identifier: String, _ members: String = "") throws -> String {
        let numbers = try TestKeys.rsa.get().publicKey.getKeyPrimitives()
        return """
            {"kty":"RSA","kid":"\(identifier)",\(members)
             "n":"\(Self.base64URL(numbers.modulus))","e":"\(Self.base64URL(numbers.publicExponent))"}
            """
    }

    private static let ed25519 = """
        {"kty":"OKP","crv":"Ed25519","kid":"ed","x":"\(base64URL(TestKeys.ed25519.publicKey.rawRepresentation))"}
        """

    private static func set(_ keys: String...) -> String { #"{"keys":[\#(keys.joined(separator: ","))]}"# }

    private static func configuration(_ url: String) -> TokenVerifierConfiguration {
        var configuration = TokenVerifierConfiguration()
        configuration.jwksURL = url
        configuration.jwksCooldown = .milliseconds(200)
        configuration.jwksTimeout = .seconds(3)
        return configuration
    }

    // MARK: Reading

    @Test func skipsKeysItCannotUse() throws {
        let keys = try KeySet.decode(
            Data(
                Self.set(
                    #"{"kty":"oct","k":"c2VjcmV0","kid":"oct"}"#, #"{"kty":"EC","crv":"secp256k1","kid":"k"}"#,
                    try Self.rsa("enc", #""use":"enc","#), try Self.rsa("oaep", #""alg":"RSA-OAEP","#),
                    try Self.rsa("pss", #""alg":"PS256","#), #"{"kty":"RSA","kid":"small","n":"AQAB","e":"AQAB"}"#,
                    "{}", "7",
                    try Self.rsa("rs", #""alg":"RS384","#), Self.ec("ec"), Self.ed25519
                ).utf8))
        #expect(keys.map(\.identifier) == ["rs", "ec", "ed"])
        // The algorithm that the key names is the only one.
        #expect(TokenAlgorithm.allCases.filter { keys[0].allows($0) } == [.rs384])
        #expect(TokenAlgorithm.allCases.filter { keys[1].allows($0) } == [.es256])
        #expect(TokenAlgorithm.allCases.filter { keys[2].allows($0) } == [.edDSA])
    }

    @Test(arguments: ["", "{}", "[]", #"{"keys":{}}"#, #"{"keys":[]}"#, #"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#])
    func refusesWhatIsNoKeySet(_ document: String) {
        #expect(throws: TokenKeyError.self) { try KeySet.decode(Data(document.utf8)) }
    }

    // MARK: Over HTTP

    @Test func acceptsTokensOnceTheKeysAreThere() async throws {
        let document = Self.set(try Self.rsa("key"), Self.ec("ec"), Self.ed25519)
        try await TestHTTPServer.run({ _ in .init(document) }) { server in
            let verifier = try TokenVerifier(Self.configuration(server.url("/jwks")))
            #expect(!verifier.isReady && verifier.keySetAge == nil)
            for (algorithm, name) in [(TokenAlgorithm.rs256, "key"), (.es256, "ec"), (.edDSA, "ed"), (.rs512, "key")] {
                let token = try await TestSigner(algorithm, keyID: name).token(["sub": "ada"])
                if !verifier.isReady {
                    #expect(verifier.verify(token).needsKeys)
                    await verifier.refreshKeys()
                }
                #expect(verifier.verify(token).identity?.user == "ada")
            }
            #expect(verifier.isReady && verifier.keySetAge != nil)
            #expect(server.requests.count == 1)
            // The key is one of the set, but not for this kind of signature.
            let token = handmade(#"{"alg":"HS256","kid":"key"}"#, #"{"sub":"ada"}"#)
            #expect(verifier.verify(token).rejection == .unknownKey)
        }
    }

    @Test func followsRotation() async throws {
        let current = Mutex("old")
        try await TestHTTPServer.run({ _ in .init(Self.set(Self.ec(current.withLock { $0 }))) }) { server in
            var configuration = Self.configuration(server.url("/jwks"))
            // Long beside what a busy machine may take between two lines.
            configuration.jwksCooldown = .seconds(2)
            let verifier = try TokenVerifier(configuration)
            await verifier.refreshKeys()
            let old = try await TestSigner(.es256, keyID: "old").token(["sub": "ada"])
            let new = try await TestSigner(.es256, keyID: "new").token(["sub": "ada"])
            #expect(verifier.verify(old).identity != nil)
            #expect(verifier.rememberedTokens == 1)
            // A moment after a fetch an unknown name is just that: strangers cannot make the node fetch all the time.
            #expect(verifier.verify(new).rejection == .unknownKey)
            current.withLock { $0 = "new" }
            try await Task.sleep(for: .milliseconds(2_100))
            #expect(verifier.verify(new).needsKeys)
            // All who need the keys wait for one fetch.
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<20 { group.addTask { await verifier.refreshKeys() } }
            }
            #expect(server.requests.count == 2)
            #expect(verifier.verify(new).identity != nil)
            // What was remembered of the old key is gone with it.
            try await Task.sleep(for: .milliseconds(2_100))
            #expect(verifier.verify(old).needsKeys)
            await verifier.refreshKeys()
            #expect(verifier.verify(old).rejection == .unknownKey)
        }
    }

    @Test func keepsTheOldKeysDuringAnOutage() async throws {
        let answer = Mutex(TestHTTPServer.Response(Self.set(Self.ec("key"))))
        let registry = MetricsRegistry()
        try await TestHTTPServer.run({ _ in answer.withLock { $0 } }) { server in
            var configuration = Self.configuration(server.url("/jwks"))
            configuration.jwksCooldown = .milliseconds(50)
            configuration.jwksBytesMax = 1_000
            let verifier = try TokenVerifier(
                configuration, metrics: SessionMetrics(registry), logger: Logger(label: "test"))
            await verifier.refreshKeys()
            let token = try await TestSigner(.es256).token(["sub": "ada"])
            let foreign = try await TestSigner(.es256, keyID: "new").token(["sub": "ada"])
            let outages: [TestHTTPServer.Response] = [
                .init(status: 500, "{}"), .init("not JSON"), .init(#"{"keys":[]}"#), .init(status: 404),
                .init(#"{"keys":[],"padding":"\#(String(repeating: "x", count: 1_000))"}"#),
                .init(Self.set(Self.ec("new")), delay: .seconds(20)),
            ]
            for outage in outages {
                answer.withLock { $0 = outage }
                try await Task.sleep(for: .milliseconds(60))
                await verifier.refreshKeys()
                #expect(verifier.verify(token).identity != nil)
                // It cannot be said whether the key exists: the client is to come back.
                #expect([nil, .keysUnavailable].contains(verifier.verify(foreign).rejection))
            }
            #expect(registry.exposition().contains("martlet_key_set_fetches_total{outcome=\"failed\"} 6\n"))
            #expect(registry.exposition().contains("martlet_key_set_fetches_total{outcome=\"ok\"} 1\n"))
        }
    }

    @Test func runsUntilShutDown() async throws {
        try await TestHTTPServer.run({ _ in .init(Self.set(Self.ec("key"))) }) { server in
            var configuration = Self.configuration(server.url("/jwks"))
            configuration.jwksInterval = .milliseconds(250)
            let verifier = try TokenVerifier(configuration)
            try await Self.runService(verifier) {
                while server.requests.count < 3 { try await Task.sleep(for: .milliseconds(10)) }
            }
            #expect(verifier.isReady)
        }
        // Without a key set there is nothing to do, but no reason to end the node either.
        try await Self.runService(try TokenVerifier(TokenVerifierConfiguration())) {}
    }

    private static func runService(_ service: any Service, _ body: @Sendable () async throws -> Void) async throws {
        let group = ServiceGroup(services: [service], logger: Logger(label: "test"))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await body()
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}
