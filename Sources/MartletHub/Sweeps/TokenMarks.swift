// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Two bytes of every connection's token, by slot: who looks for tokens passes by nearly all others without touching
/// what is known of them.
///
/// Where tokens have names nearly every connection has one of its own, for which an index of chains would take many
/// times as much.
struct TokenMarks {
    /// Some of the marks there can be.
    struct Choice {
        private var words = [UInt64](repeating: 0, count: (Int(UInt16.max) + 1) / UInt64.bitWidth)

        mutating func insert(hash: UInt64) {
            let mark = TokenMarks.mark(hash)
            self.words[Int(mark >> 6)] |= 1 &<< UInt64(mark & 63)
        }

        func contains(_ mark: UInt16) -> Bool { self.words[Int(mark >> 6)] & 1 &<< UInt64(mark & 63) != 0 }
    }

    /// Zero where the connection has no token with a name.
    private var marks: [UInt16] = []

    /// No slot from here on has a mark.
    var count: Int { self.marks.count }

    subscript(_ slot: Int) -> UInt16 { slot < self.marks.count ? self.marks[slot] : 0 }

    mutating func insert(_ slot: Int32, hash: UInt64) {
        let missing = Int(slot) + 1 - self.marks.count
        if missing > 0 { self.marks.append(contentsOf: repeatElement(0, count: missing)) }
        self.marks[Int(slot)] = Self.mark(hash)
    }

    mutating func remove(_ slot: Int32) { self.marks[Int(slot)] = 0 }

    /// The slots whose tokens may have this hash.
    func slots(hash: UInt64) -> [Int32] {
        let mark = Self.mark(hash)
        return self.marks.indices.lazy.filter { self.marks[$0] == mark }.map { Int32($0) }
    }

    /// The first slot of a range with a mark of the choice.
    func first(in range: Range<Int>, of choice: Choice) -> Int? {
        let marks = self.marks.span
        for slot in range.clamped(to: 0..<marks.count) where choice.contains(marks[slot]) { return slot }
        return nil
    }

    private static func mark(_ hash: UInt64) -> UInt16 { max(1, UInt16(truncatingIfNeeded: hash)) }
}
