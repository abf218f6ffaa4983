// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
import Foundation
import JWTKit

@testable import MartletSessions

/// Signs tokens with JWTKit, which shares nothing with the verifier under test.
struct TestSigner {
    static let secret = "a secret of the tests, as long as the longest hash: sixty-four bytes"

    let key: VerifierKey
    private let keys = JWTKeyCollection()
    private let name: String

    /// What a verifier must be given to accept what this signs.
    enum VerifierKey {
        case secret(String)
        case pem(String)
    }

    init(_ algorithm: TokenAlgorithm, keyID: String = "key") async throws {
        self.name = keyID
        let kid = JWKIdentifier(string: keyID)
        switch algorithm {
        case .hs256, .hs384, .hs512:
            await self.keys.add(hmac: HMACKey(from: Self.secret), digestAlgorithm: algorithm.digest, kid: kid)
            self.key = .secret(Self.secret)
        case .rs256, .rs384, .rs512:
            let key = try TestKeys.rsa.get()
            let signing = try Insecure.RSA.PrivateKey(pem: key.pemRepresentation)
            await self.keys.add(rsa: signing, digestAlgorithm: algorithm.digest, kid: kid)
            self.key = .pem(key.publicKey.pemRepresentation)
        case .es256:
            let key = TestKeys.p256
            await self.keys.add(ecdsa: try ES256PrivateKey(pem: key.pemRepresentation), kid: kid)
            self.key = .pem(key.publicKey.pemRepresentation)
        case .es384:
            let key = TestKeys.p384
            await self.keys.add(ecdsa: try ES384PrivateKey(pem: key.pemRepresentation), kid: kid)
            self.key = .pem(key.publicKey.pemRepresentation)
        case .es512:
            let key = TestKeys.p521
            await self.keys.add(ecdsa: try ES512PrivateKey(pem: key.pemRepresentation), kid: kid)
            self.key = .pem(key.publicKey.pemRepresentation)
        case .edDSA:
            let key = TestKeys.ed25519
            await self.keys.add(eddsa: try EdDSA.PrivateKey(pem: key.pemRepresentation), kid: kid)
            self.key = .pem(key.publicKey.pemRepresentation)
        }
    }

    func token(_ claims: [String: TestClaim]) async throws -> String {
        try await self.keys.sign(TestPayload(claims), kid: JWKIdentifier(string: self.name))
    }

    func configuration() -> TokenVerifierConfiguration {
        var configuration = TokenVerifierConfiguration()
        switch self.key {
        case .secret(let secret): configuration.hmacSecrets = [secret]
        case .pem(let pem): configuration.publicKeys = [pem]
        }
        return configuration
    }
}

/// Made once: RSA keys take long.
enum TestKeys {
    static let rsa = Result { try _RSA.Signing.PrivateKey(keySize: .bits2048) }
    static let p256 = P256.Signing.PrivateKey()
    static let p384 = P384.Signing.PrivateKey()
    static let p521 = P521.Signing.PrivateKey()
    static let ed25519 = Curve25519.Signing.PrivateKey()
}

extension TokenAlgorithm {
    fileprivate var digest: DigestAlgorithm {
        switch self {
        case .hs384, .rs384, .es384: .sha384
        case .hs512, .rs512, .es512: .sha512
        default: .sha256
        }
    }
}

/// A claim of any type, to say wrong things with too.
enum TestClaim: Codable, Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral,
    ExpressibleByFloatLiteral, ExpressibleByDictionaryLiteral, ExpressibleByBooleanLiteral
{
    case string(String)
    case int(Int)
    case double(Double)
    case bool(Bool)
    case array([TestClaim])
    case object([String: TestClaim])
    case null

    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int) { self = .int(value) }
    init(floatLiteral value: Double) { self = .double(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(arrayLiteral elements: TestClaim...) { self = .array(elements) }
    init(dictionaryLiteral elements: (String, TestClaim)...) {
        self = .object(Dictionary(elements) { $1 })
    }

    /// JWTKit decodes payloads only where it verifies, which it does not here.
    init(from _: any Decoder) throws { self = .null }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .string(let value): try container.encode(value)
        case .int(let value): try container.encode(value)
        case .double(let value): try container.encode(value)
        case .bool(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        case .null: try container.encodeNil()
        }
    }
}

private struct TestPayload: JWTPayload {
    private let claims: [String: TestClaim]

    init(_ claims: [String: TestClaim]) { self.claims = claims }
    init(from _: any Decoder) throws { self.claims = [:] }
    func encode(to encoder: any Encoder) throws { try self.claims.encode(to: encoder) }
    func verify(using _: some JWTAlgorithm) throws {}
}
