// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
import Foundation
import JWTKit
import MartletProtocol

/// A key, with the algorithms that it alone decides may be used with it.
struct VerificationKey: Sendable {
    private enum Material: Sendable {
        case hmac(HMACKey)
        case rsa(_RSA.Signing.PublicKey)
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
        case p521(P521.Signing.PublicKey)
        case ed25519(Curve25519.Signing.PublicKey)
    }

    /// The state of each keyed hash after its key, so that a verification begins with the token's bytes.
    private struct HMACKey: Sendable {
        let sha256: HMAC<SHA256>
        let sha384: HMAC<SHA384>
        let sha512: HMAC<SHA512>
    }

    private let material: Material
    /// `kid`, where the key comes from a key set that names it.
    let identifier: String?
    private let algorithms: [TokenAlgorithm]

    func allows(_ algorithm: TokenAlgorithm) -> Bool { self.algorithms.contains(algorithm) }

    /// - Parameter message: Header and payload as they stand in the token, with the point between them.
    func verifies(_ signature: [UInt8], of message: ArraySlice<UInt8>, by algorithm: TokenAlgorithm) -> Bool {
        guard self.allows(algorithm) else { return false }
        switch self.material {
        case .hmac(let key): return Self.verify(signature, of: message, by: algorithm, with: key)
        case .rsa(let key): return Self.verify(signature, of: message, by: algorithm, with: key)
        case .p256(let key):
            guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: message)
        case .p384(let key):
            guard let signature = try? P384.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: message)
        case .p521(let key):
            guard let signature = try? P521.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: message)
        case .ed25519(let key): return key.isValidSignature(signature, for: message)
        }
    }

    /// Whether a look-up among verified tokens is cheaper than this key's arithmetic.
    var isCostly: Bool { if case .hmac = self.material { false } else { true } }

    // Comparing a `HashedAuthenticationCode` takes the same time wherever the two differ.
    private static func verify(
        _ signature: [UInt8], of message: ArraySlice<UInt8>, by algorithm: TokenAlgorithm, with key: HMACKey
    ) -> Bool {
        switch algorithm {
        case .hs256:
            var state = key.sha256
            state.update(data: message)
            return state.finalize() == signature
        case .hs384:
            var state = key.sha384
            state.update(data: message)
            return state.finalize() == signature
        case .hs512:
            var state = key.sha512
            state.update(data: message)
            return state.finalize() == signature
        default: return false
        }
    }

    private static func verify(
        _ signature: [UInt8], of message: ArraySlice<UInt8>, by algorithm: TokenAlgorithm,
        with key: _RSA.Signing.PublicKey
    ) -> Bool {
        let signature = _RSA.Signing.RSASignature(rawRepresentation: signature)
        // RFC 7518 section 3.3: RS* is PKCS #1 version 1.5.
        return switch algorithm {
        case .rs256:
            key.isValidSignature(signature, for: SHA256.hash(data: message), padding: .insecurePKCS1v1_5)
        case .rs384:
            key.isValidSignature(signature, for: SHA384.hash(data: message), padding: .insecurePKCS1v1_5)
        case .rs512:
            key.isValidSignature(signature, for: SHA512.hash(data: message), padding: .insecurePKCS1v1_5)
        default: false
        }
    }
}

extension VerificationKey {
    /// A shared secret. What looks like a public key is refused: as a secret it would be known to everybody.
    init(secret: String) throws(TokenKeyError) {
        guard !secret.isEmpty else { throw TokenKeyError("an HMAC secret is empty") }
        guard !secret.hasPrefix("-----BEGIN") else { throw TokenKeyError("an HMAC secret is a PEM document") }
        let key = SymmetricKey(data: Array(secret.utf8))
        let states = HMACKey(sha256: HMAC(key: key), sha384: HMAC(key: key), sha512: HMAC(key: key))
        self.init(material: .hmac(states), identifier: nil, algorithms: [.hs256, .hs384, .hs512])
    }

    /// A public key of whatever kind the document holds.
    init(pem: String) throws(TokenKeyError) {
        if let key = try? P256.Signing.PublicKey(pemRepresentation: pem) {
            self.init(material: .p256(key), identifier: nil, algorithms: [.es256])
        } else if let key = try? P384.Signing.PublicKey(pemRepresentation: pem) {
            self.init(material: .p384(key), identifier: nil, algorithms: [.es384])
        } else if let key = try? P521.Signing.PublicKey(pemRepresentation: pem) {
            self.init(material: .p521(key), identifier: nil, algorithms: [.es512])
        } else if let key = try? Curve25519.Signing.PublicKey(pemRepresentation: pem) {
            self.init(material: .ed25519(key), identifier: nil, algorithms: [.edDSA])
        } else if let key = try? _RSA.Signing.PublicKey(pemRepresentation: pem) {
            self.init(material: .rsa(key), identifier: nil, algorithms: [.rs256, .rs384, .rs512])
        } else {
            throw TokenKeyError("a public key is not PEM of RSA (2048 bits or more), P-256, P-384, P-521 or Ed25519")
        }
    }

    /// A key of a key set, or nil where it is of a kind or for a use that tokens here do not have.
    init?(_ jwk: JWK) {
        let named = jwk.algorithm.map(\.rawValue)
        guard let (material, natural) = Self.material(of: jwk) else { return nil }
        let allowed = named.map { name in natural.filter { $0.rawValue == name } } ?? natural
        guard !allowed.isEmpty else { return nil }
        self.init(material: material, identifier: jwk.keyIdentifier?.string, algorithms: allowed)
    }

    private static func material(of jwk: JWK) -> (Material, [TokenAlgorithm])? {
        func number(_ text: String?) -> [UInt8]? { text.flatMap { Base64URL.decode(Array($0.utf8)[...]) } }
        switch (jwk.keyType, jwk.curve?.rawValue) {
        case (.rsa, _):
            guard let modulus = number(jwk.modulus), let exponent = number(jwk.exponent),
                let key = try? _RSA.Signing.PublicKey(n: modulus, e: exponent), key.keySizeInBits >= 2_048
            else { return nil }
            return (.rsa(key), [.rs256, .rs384, .rs512])
        case (.ecdsa, let curve?):
            guard let x = number(jwk.x), let y = number(jwk.y) else { return nil }
            let point = [0x04] + x + y
            switch curve {
            case "P-256": return (try? P256.Signing.PublicKey(x963Representation: point)).map { (.p256($0), [.es256]) }
            case "P-384": return (try? P384.Signing.PublicKey(x963Representation: point)).map { (.p384($0), [.es384]) }
            case "P-521": return (try? P521.Signing.PublicKey(x963Representation: point)).map { (.p521($0), [.es512]) }
            default: return nil
            }
        case (.octetKeyPair, "Ed25519"?):
            guard let x = number(jwk.x) else { return nil }
            return (try? Curve25519.Signing.PublicKey(rawRepresentation: x)).map { (.ed25519($0), [.edDSA]) }
        default: return nil
        }
    }
}
