// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

extension UInt8 {
    static let lineFeed = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")
    static let space = UInt8(ascii: " ")
    static let tab = UInt8(ascii: "\t")
    static let colon = UInt8(ascii: ":")
    static let comma = UInt8(ascii: ",")
    static let semicolon = UInt8(ascii: ";")
    static let equalsSign = UInt8(ascii: "=")
    static let slash = UInt8(ascii: "/")

    var isDigit: Bool { self >= 0x30 && self <= 0x39 }
    var isBlank: Bool { self == .space || self == .tab }
    var isLetter: Bool { (self | 0x20) >= 0x61 && (self | 0x20) <= 0x7A }
    var asciiLowercased: UInt8 { self >= 0x41 && self <= 0x5A ? self | 0x20 : self }

    /// A character of a token (RFC 9110 section 5.6.2): letters, digits and ``!#$%&'*+-.^_`|~``.
    var isTokenCharacter: Bool { self.isIn(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE) }

    /// A byte of a field value (RFC 9110 section 5.5): visible, blank, or beyond ASCII.
    var isFieldCharacter: Bool { self >= 0x20 && self != 0x7F || self == .tab }

    /// A byte of a host with its port, name or literal alike: letters, digits and `%-.:[]_~`. No user information, no
    /// separators.
    var isHostCharacter: Bool { self.isIn(low: 0x07FF_6020_0000_0000, high: 0x47FF_FFFE_AFFF_FFFE) }

    /// Whether the byte is in a set of ASCII characters, given as a bit each: 0 to 63, and 64 to 127.
    private func isIn(low: UInt64, high: UInt64) -> Bool {
        let half = self < 64 ? low : self < 128 ? high : 0
        return half >> UInt64(self & 63) & 1 == 1
    }

    /// The value of a hexadecimal digit, or nil.
    var hexadecimalValue: UInt8? {
        switch self {
        case 0x30...0x39: self & 0x0F
        case 0x41...0x46, 0x61...0x66: (self & 0x0F) + 9
        default: nil
        }
    }
}
