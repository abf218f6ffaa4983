// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A block of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address.
package struct CIDR: Hashable, Sendable {
    package let base: PeerAddress
    /// Of the 128 bits of the IPv6 (or IPv4-mapped) address.
    package let prefixLength: Int

    /// Nil for text that is no block. Bits beyond the prefix are ignored.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, let base = PeerAddress(host: String(first)), parts.count <= 2 else { return nil }
        let width = base.v4 == nil ? 128 : 32
        var length = width
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let given = Int(parts[1]), given <= width
            else { return nil }
            length = given
        }
        self.prefixLength = length + 128 - width
        self.base = PeerAddress(
            high: base.high & Self.mask(self.prefixLength), low: base.low & Self.mask(self.prefixLength - 64))
    }

    package func contains(_ address: PeerAddress) -> Bool {
        address.high & Self.mask(self.prefixLength) == self.base.high
            && address.low & Self.mask(self.prefixLength - 64) == self.base.low
    }

    /// A word whose first `bits` bits are set; what is out of 0...64 is held within.
    private static func mask(_ bits: Int) -> UInt64 {
        bits <= 0 ? 0 : bits >= 64 ? .max : ~(.max >> UInt64(bits))
    }
}
