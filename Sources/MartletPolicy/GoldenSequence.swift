// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Numbers in 0..<1 that lie more evenly than chance would have them: each is a golden section further than the one
/// before, modulo one (an additive recurrence, the one of least discrepancy; Knuth, TAOCP 3, 6.4).
///
/// Chance makes heaps: where 100 clients a second are told a pause by chance, a quarter more come in some second of a
/// minute.
package struct GoldenSequence: Sendable {
    private var state: UInt64

    /// - Parameter start: Where it begins, so that no two nodes say the same.
    package init(start: UInt64 = .random(in: .min ... .max)) { self.state = start }

    package mutating func next() -> Double {
        self.state &+= 0x9E37_79B9_7F4A_7C15  // The golden section of 2⁶⁴.
        return Double(self.state >> 11) * 0x1p-53
    }
}
