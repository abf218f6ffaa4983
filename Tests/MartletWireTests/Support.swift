// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Numbers that are random enough and the same in every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var value = self.state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: self.next()) }
    }
}

/// Gives bytes to a codec as the reactor does: what is not consumed is given again with what follows.
struct Feed {
    /// The first piece's length, then that of all others.
    var first: Int
    var rest: Int

    /// - Parameter consume: Takes bytes from the beginning and returns how many, or nil to end.
    func run(_ input: [UInt8], _ consume: (inout [UInt8]) -> Int?) {
        var kept: [UInt8] = []
        var start = 0
        var length = max(1, self.first)
        while start < input.count {
            let end = min(input.count, start + length)
            kept += input[start..<end]
            (start, length) = (end, max(1, self.rest))
            guard let consumed = consume(&kept) else { return }
            kept.removeFirst(consumed)
        }
    }

    /// All at once; byte by byte; and cut in two at every place.
    static func ways(_ count: Int) -> [Feed] {
        [Feed(first: count, rest: 1), Feed(first: 1, rest: 1)]
            + (1..<max(2, count)).map { Feed(first: $0, rest: count) }
    }
}

extension [UInt8] {
    init(hex: String) {
        let digits = hex.utf8.filter { $0 != UInt8(ascii: " ") }.map {
            Character(Unicode.Scalar($0)).hexDigitValue ?? 0
        }
        self = stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    var text: String { String(decoding: self, as: UTF8.self) }
    var hex: String { self.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() }
}
