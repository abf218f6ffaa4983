// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import MartletCore
import MartletWire

/// Signs the tokens of clients with HS256. Names are of a fixed length (`sub` 16 bytes, `sid` and `jti` 22), and the
/// same number has the same names in every process.
struct TokenMint: Sendable {
    private let key: SymmetricKey
    private let header: String
    private let issuedAt: Int64
    private let expiresAt: Int64
    private let claim: String

    /// - Parameter claim: One more, as `name=value` without anything that JSON would escape.
    init(secret: String, issuedAt: Int64, lifetime: Int64, claim: String? = nil) {
        self.key = SymmetricKey(data: Array(secret.utf8))
        self.header = Self.encode(Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8))
        self.issuedAt = issuedAt
        self.expiresAt = issuedAt + lifetime
        let parts = claim?.split(separator: "=") ?? []
        self.claim = parts.count == 2 ? #","\#(parts[0])":"\#(parts[1])""# : ""
    }

    static func user(_ number: Int) -> String { "user-" + Self.padded(number, 11) }
    static func session(_ number: Int) -> String { "session-" + Self.padded(number, 14) }

    func token(user: Int, session: Int) -> String {
        let claims = """
            {"sub":"\(Self.user(user))","sid":"\(Self.session(session))","jti":"token-\(Self.padded(session, 16))",\
            "iat":\(self.issuedAt),"exp":\(self.expiresAt)\(self.claim)}
            """
        let message = self.header + "." + Self.encode(Array(claims.utf8))
        let code = HMAC<SHA256>.authenticationCode(for: Array(message.utf8), using: self.key)
        return message + "." + Self.encode(Array(code))
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// Base64 in its URL alphabet, without padding.
    private static func encode(_ bytes: [UInt8]) -> String {
        let characters = Base64.encode(bytes.span).compactMap { byte -> UInt8? in
            switch byte {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            case UInt8(ascii: "="): nil
            default: byte
            }
        }
        return String(decoding: characters, as: UTF8.self)
    }
}
