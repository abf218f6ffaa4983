// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import JWTKit

/// The keys in force: the configured ones and the last good key set.
final class KeySet: Sendable {
    /// Keys that one token is tried on, where it does not say which it means: a bound on the work a stranger can ask.
    private static let attemptsMax = 8

    let keys: [VerificationKey]

    init(_ keys: [VerificationKey]) { self.keys = keys }

    /// The keys that may have signed a token with this header.
    func candidates(_ identifier: String?, _ algorithm: TokenAlgorithm) -> some Sequence<VerificationKey> {
        self.keys.lazy
            .filter { key in
                let isMeant = identifier == nil || key.identifier == nil || key.identifier == identifier
                return isMeant && key.allows(algorithm)
            }
            .prefix(Self.attemptsMax)
    }

    /// Whether a key of the key set bears this name.
    func names(_ identifier: String) -> Bool { self.keys.contains { $0.identifier == identifier } }

    /// Reads a key set (RFC 7517 section 5). Keys of kinds that are not known are skipped, as the section demands.
    static func decode(_ document: Data) throws(TokenKeyError) -> [VerificationKey] {
        guard let set = try? JSONDecoder().decode(Document.self, from: document) else {
            throw TokenKeyError("the key set is not a JSON Web Key Set")
        }
        let keys = set.keys.prefix(100).compactMap { entry in entry.jwk.flatMap { VerificationKey($0) } }
        guard !keys.isEmpty else { throw TokenKeyError("the key set has no key that can be used") }
        return keys
    }

    private struct Document: Decodable {
        let keys: [Entry]
    }

    private struct Entry: Decodable {
        let jwk: JWK?

        private enum CodingKeys: String, CodingKey {
            case use
        }

        init(from decoder: any Decoder) throws {
            let use = try? decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .use)
            self.jwk = use == nil || use == "sig" ? try? JWK(from: decoder) : nil
        }
    }
}
