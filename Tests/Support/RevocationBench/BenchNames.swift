// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// What the table is filled with and asked about: of ten entries six are sessions, two users, one a token, one a claim.
enum BenchNames {
    static let at = 1_800_000_000.0

    /// 22 characters, different for every number.
    static func name(_ number: Int) -> String {
        var state = UInt64(truncatingIfNeeded: number) &+ 0x9E37_79B9_7F4A_7C15
        state = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        state = (state ^ (state >> 27)) &* 0x94D0_49BB_1331_11EB
        let digits = String(state ^ (state >> 31), radix: 16)
        return "id-" + String(repeating: "0", count: 16 - digits.count) + digits + "abc"
    }

    static func target(_ number: Int) -> Invalidation.Target {
        let name = Self.name(number)
        return switch number % 10 {
        case 0..<6: .session(name)
        case 6..<8: .user(name, before: Int64(Self.at))
        case 8: .token(name)
        default: .claim(name: "org", value: name, before: Int64(Self.at))
        }
    }

    static func invalidation(_ number: Int) -> Invalidation {
        Invalidation(id: "", target: Self.target(number), at: Self.at, source: .kafka)
    }

    /// Somebody with a user, a session and a token; of a session that `invalidation(number)` ends, or of none.
    static func identity(_ number: Int, isRevoked: Bool) -> Identity {
        let name = Self.name(isRevoked ? number - number % 10 : -1 - number)
        return Identity(user: name + "u", session: name, token: name + "t", issuedAt: Int64(Self.at) - 60)
    }

    static func record(_ number: Int) -> [UInt8] {
        let name = Self.name(number)
        let target =
            switch number % 10 {
            case 0..<6: #""type":"session.revoked","session":"\#(name)""#
            case 6..<8: #""type":"user.revoked","user":"\#(name)","before":1800000000"#
            case 8: #""type":"token.revoked","token":"\#(name)""#
            default: #""type":"claim.revoked","claim":{"name":"org","value":"\#(name)"},"before":1800000000"#
            }
        return Array(#"{"id":"\#(name)",\#(target),"at":"2027-01-15T08:00:00Z","reason":"logout"}"#.utf8)
    }
}
