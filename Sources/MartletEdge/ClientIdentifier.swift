// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore

/// The `client` of the Centrifuge protocol: derived from the connection, so that nothing is stored for it.
package struct ClientIdentifier: Sendable {
    /// Tells this run of this node from every other.
    package let nonce: UInt64

    package init(nonce: UInt64 = .random(in: .min ... .max)) { self.nonce = nonce }

    /// A UUID's shape: 16 digits for the node, 16 for the connection.
    package func text(of id: ConnectionID) -> String {
        let digits = Self.hex(self.nonce) + Self.hex(id.rawValue)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { text.append("-") }
            text.append(digit)
        }
        return text
    }

    /// The connection of this node that the text names, or nil.
    package func connection(_ text: String) -> ConnectionID? {
        let digits = text.filter { $0 != "-" }
        guard digits.utf8.count == 32, UInt64(digits.prefix(16), radix: 16) == self.nonce,
            let raw = UInt64(digits.suffix(16), radix: 16)
        else { return nil }
        return ConnectionID(
            shard: UInt8(truncatingIfNeeded: raw >> 56), generation: UInt32(truncatingIfNeeded: raw >> 32),
            slot: Int32(truncatingIfNeeded: raw))
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
