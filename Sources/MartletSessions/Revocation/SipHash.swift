// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// SipHash-2-4 with 128 bits of result (Aumasson and Bernstein, 2012), under a key drawn once a process: nobody outside
/// can make two names collide, and by chance none of 10 million do (one in 10²⁴).
package struct SipHash {
    package struct Key: Sendable {
        let first: UInt64
        let second: UInt64

        package static func random() -> Key {
            Key(first: .random(in: .min ... .max), second: .random(in: .min ... .max))
        }
    }

    package struct Digest: Hashable, Sendable {
        package let high: UInt64
        package let low: UInt64
    }

    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64
    /// Bytes that do not fill a word yet, and how many went in altogether.
    private var tail: UInt64 = 0
    private var count = 0

    package init(_ key: Key) {
        self.v0 = key.first ^ 0x736F_6D65_7073_6575
        self.v1 = key.second ^ 0x646F_7261_6E64_6F6D ^ 0xEE
        self.v2 = key.first ^ 0x6C79_6765_6E65_7261
        self.v3 = key.second ^ 0x7465_6462_7974_6573
    }

    package mutating func update(_ byte: UInt8) { self.update(UInt64(byte), count: 1) }

    /// Up to eight bytes, the first of them lowest; what is above them is zero.
    @inline(__always)
    mutating func update(_ word: UInt64, count: Int) {
        let filled = self.count & 7
        self.tail |= word << UInt64(truncatingIfNeeded: 8 * filled)
        self.count += count
        guard filled + count >= 8 else { return }
        self.absorb(self.tail)
        self.tail = filled == 0 ? 0 : word >> UInt64(truncatingIfNeeded: 64 - 8 * filled)
    }

    @inline(__always)
    mutating func update(_ bytes: Span<UInt8>) {
        var rest = bytes
        while rest.count >= 8 {
            let next = rest.extracting(first: 8)
            var word: UInt64 = 0
            for index in 0..<8 { word |= UInt64(next[index]) << UInt64(truncatingIfNeeded: 8 * index) }
            self.update(word, count: 8)
            rest = rest.extracting(8...)
        }
        var word: UInt64 = 0
        for index in rest.indices { word |= UInt64(rest[index]) << UInt64(truncatingIfNeeded: 8 * index) }
        self.update(word, count: rest.count)
    }

    @inline(__always)
    package consuming func finalize() -> Digest {
        self.absorb(self.tail | UInt64(truncatingIfNeeded: self.count) << 56)
        self.v2 ^= 0xEE
        for _ in 0..<4 { self.round() }
        let low = self.v0 ^ self.v1 ^ self.v2 ^ self.v3
        self.v1 ^= 0xDD
        for _ in 0..<4 { self.round() }
        return Digest(high: self.v0 ^ self.v1 ^ self.v2 ^ self.v3, low: low)
    }

    @inline(__always)
    private mutating func absorb(_ word: UInt64) {
        self.v3 ^= word
        self.round()
        self.round()
        self.v0 ^= word
    }

    @inline(__always)
    private mutating func round() {
        self.v0 &+= self.v1
        self.v2 &+= self.v3
        self.v1 = (self.v1 << 13 | self.v1 >> 51) ^ self.v0
        self.v3 = (self.v3 << 16 | self.v3 >> 48) ^ self.v2
        self.v0 = self.v0 << 32 | self.v0 >> 32
        self.v2 &+= self.v1
        self.v0 &+= self.v3
        self.v1 = (self.v1 << 17 | self.v1 >> 47) ^ self.v2
        self.v3 = (self.v3 << 21 | self.v3 >> 43) ^ self.v0
        self.v2 = self.v2 << 32 | self.v2 >> 32
    }
}
