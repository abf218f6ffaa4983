// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Checks text that comes in pieces, cut anywhere. One byte of state.
struct UTF8Validator: Hashable, Sendable {
    /// What the next byte must be (Unicode table 3-7: well-formed byte sequences).
    private enum State: UInt8 {
        case start
        case oneMore, twoMore, threeMore
        /// After E0, ED, F0 and F4 the second byte is bounded further: no overlong forms, no surrogates, no more than
        /// U+10FFFF.
        case afterE0, afterED, afterF0, afterF4
    }

    private var state = State.start

    /// Whether the text may end here.
    var isComplete: Bool { self.state == .start }

    /// False at the first byte that cannot be.
    mutating func accept(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> Bool {
        var state = self.state
        for index in range {
            let byte = bytes[index]
            if state == .start, byte < 0x80 { continue }
            guard let next = Self.step(state, byte) else { return false }
            state = next
        }
        self.state = state
        return true
    }

    private static func step(_ state: State, _ byte: UInt8) -> State? {
        switch state {
        case .start:
            switch byte {
            case 0x00...0x7F: .start
            case 0xC2...0xDF: .oneMore
            case 0xE0: .afterE0
            case 0xED: .afterED
            case 0xE1...0xEF: .twoMore
            case 0xF0: .afterF0
            case 0xF1...0xF3: .threeMore
            case 0xF4: .afterF4
            default: nil
            }
        case .oneMore: 0x80...0xBF ~= byte ? .start : nil
        case .twoMore: 0x80...0xBF ~= byte ? .oneMore : nil
        case .threeMore: 0x80...0xBF ~= byte ? .twoMore : nil
        case .afterE0: 0xA0...0xBF ~= byte ? .oneMore : nil
        case .afterED: 0x80...0x9F ~= byte ? .oneMore : nil
        case .afterF0: 0x90...0xBF ~= byte ? .twoMore : nil
        case .afterF4: 0x80...0x8F ~= byte ? .twoMore : nil
        }
    }
}
