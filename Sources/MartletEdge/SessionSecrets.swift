// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletSessions

/// The `session` of the Centrifuge protocol: names a connection of this node, and proves that who says it was told so.
///
/// It is derived from the connection under a key of 128 bits drawn once a process, so that nothing is stored for it.
/// SipHash is made for this: without the key nobody finds the 128 bits of a connection whose number he knows, nor
/// learns the key from those of his own connections.
struct SessionSecrets: Sendable {
    /// 16 digits for the connection, 32 for the proof.
    static let digits = 48

    private let key = SipHash.Key.random()

    func text(of id: ConnectionID) -> String {
        let proof = self.proof(of: id)
        return [id.rawValue, proof.high, proof.low].map(\.hexadecimal).joined()
    }

    /// The connection that a session names, or nil where the proof is wrong.
    func connection(_ session: String) -> ConnectionID? {
        let words = Self.words(session)
        guard words.count == 3 else { return nil }
        let id = ConnectionID(words[0])
        let proof = self.proof(of: id)
        // Both halves are compared whatever the first shows, so that the time tells nothing.
        return (proof.high ^ words[1]) | (proof.low ^ words[2]) == 0 ? id : nil
    }

    /// Whether a text could be the session of some node.
    static func isPlausible(_ session: String) -> Bool { self.words(session).count == 3 }

    private func proof(of id: ConnectionID) -> SipHash.Digest {
        var hash = SipHash(self.key)
        for shift in stride(from: 0 as UInt64, to: 64, by: 8) {
            hash.update(UInt8(truncatingIfNeeded: id.rawValue >> shift))
        }
        return hash.finalize()
    }

    private static func words(_ session: String) -> [UInt64] {
        guard session.utf8.count == Self.digits, session.utf8.allSatisfy(\.isLowercaseHexadecimal) else { return [] }
        let digits = Array(session.utf8)
        return stride(from: 0, to: Self.digits, by: 16).compactMap { start in
            UInt64(String(decoding: digits[start..<start + 16], as: UTF8.self), radix: 16)
        }
    }
}

extension UInt64 {
    /// 16 digits.
    fileprivate var hexadecimal: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension UInt8 {
    fileprivate var isLowercaseHexadecimal: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
        default: false
        }
    }
}
