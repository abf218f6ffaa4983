// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// SHA-1 (RFC 3174), for the one thing RFC 6455 wants of it: the answer to a handshake's key.
///
/// It is here, and not from a library, because it guards no secret and a handshake hashes 60 bytes: no dependency, no
/// allocation, and the wire stays pure.
package enum SHA1 {
    /// The 20 bytes of the digest.
    package static func digest(_ message: Span<UInt8>) -> [20 of UInt8] {
        var state: [5 of UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
        var schedule: [16 of UInt32] = .init(repeating: 0)
        // The message, a single bit, zeros, and the length in bits in the last 8 bytes of the last block.
        let blocks = (message.count + 8) / 64 + 1
        let lengthInBits = UInt64(message.count) &* 8
        for block in 0..<blocks {
            for word in 0..<16 {
                var value: UInt32 = 0
                for index in (block * 64 + word * 4)..<(block * 64 + word * 4 + 4) {
                    let byte: UInt8 = index < message.count ? message[index] : index == message.count ? 0x80 : 0
                    value = value << 8 | UInt32(byte)
                }
                schedule[word] = value
            }
            if block == blocks - 1 {
                schedule[14] = UInt32(truncatingIfNeeded: lengthInBits >> 32)
                schedule[15] = UInt32(truncatingIfNeeded: lengthInBits)
            }
            Self.compress(&state, &schedule)
        }
        var digest: [20 of UInt8] = .init(repeating: 0)
        for index in 0..<20 {
            digest[index] = UInt8(truncatingIfNeeded: state[index / 4] >> UInt32(24 - 8 * (index % 4)))
        }
        return digest
    }

    /// One block; the schedule of 80 words is made in a ring of 16 (RFC 3174 section 6.2).
    private static func compress(_ state: inout [5 of UInt32], _ schedule: inout [16 of UInt32]) {
        var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
        for round in 0..<80 {
            let slot = round & 15
            if round >= 16 {
                let mixed =
                    schedule[(slot + 13) & 15] ^ schedule[(slot + 8) & 15] ^ schedule[(slot + 2) & 15] ^ schedule[slot]
                schedule[slot] = Self.rotate(mixed, 1)
            }
            let (mix, constant): (UInt32, UInt32) =
                switch round {
                case ..<20: (b & c | ~b & d, 0x5A82_7999)
                case ..<40: (b ^ c ^ d, 0x6ED9_EBA1)
                case ..<60: (b & c | b & d | c & d, 0x8F1B_BCDC)
                default: (b ^ c ^ d, 0xCA62_C1D6)
                }
            let next = Self.rotate(a, 5) &+ mix &+ e &+ constant &+ schedule[slot]
            (e, d, c, b, a) = (d, c, Self.rotate(b, 30), a, next)
        }
        state[0] &+= a
        state[1] &+= b
        state[2] &+= c
        state[3] &+= d
        state[4] &+= e
    }

    private static func rotate(_ word: UInt32, _ bits: UInt32) -> UInt32 { word << bits | word >> (32 - bits) }
}
