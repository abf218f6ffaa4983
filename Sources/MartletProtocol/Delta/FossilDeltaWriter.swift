// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Writes the parts of a delta; numbers have 64 digits, the most significant first.
struct FossilDeltaWriter {
    private static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~".utf8)

    private(set) var bytes: [UInt8] = []

    init(capacity: Int) { self.bytes.reserveCapacity(capacity) }

    mutating func number(_ number: UInt32, _ end: Unicode.Scalar) {
        for place in (0..<Self.digitCount(number)).reversed() {
            self.bytes.append(Self.digits[Int(number >> UInt32(6 * place) & 63)])
        }
        self.bytes.append(UInt8(ascii: end))
    }

    mutating func copy(_ copy: FossilDelta.Copy) {
        self.number(UInt32(truncatingIfNeeded: copy.count), "@")
        self.number(UInt32(truncatingIfNeeded: copy.source), ",")
    }

    mutating func literal(_ bytes: ArraySlice<UInt8>) {
        self.number(UInt32(truncatingIfNeeded: bytes.count), ":")
        self.bytes.append(contentsOf: bytes)
    }

    /// Bytes of a copy's command, and of that of another literal behind it.
    static func cost(of copy: FossilDelta.Copy) -> Int {
        4 + self.digitCount(UInt32(truncatingIfNeeded: copy.count))
            + self.digitCount(UInt32(truncatingIfNeeded: copy.source))
    }

    private static func digitCount(_ number: UInt32) -> Int {
        max(1, (UInt32.bitWidth - number.leadingZeroBitCount + 5) / 6)
    }

    /// The sum of all words of four bytes, the most significant first, as if zeros stood behind the last.
    static func checksum(_ bytes: Span<UInt8>) -> UInt32 {
        var sum: UInt32 = 0
        for index in bytes.indices { sum &+= UInt32(bytes[index]) << UInt32(24 - 8 * (index & 3)) }
        return sum
    }
}
