// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Patches in the delta format of Fossil: what must be copied from bytes that the reader has, and put between, to get
/// others.
///
///     size of the target, line feed · segments · checksum of the target, semicolon
///     segment: count, "@", offset, ","    that many bytes of the base from there
///            | count, ":", bytes          these bytes
///
/// The work is bounded: a few comparisons for each byte of the target, whatever the two are.
package struct FossilDelta {
    /// A part of the target that stands in the base.
    struct Copy {
        var source: Int
        var target: Int
        var count: Int

        var end: Int { self.target + self.count }
    }

    private let base: [UInt8]
    private let target: [UInt8]
    private let keepsCharacters: Bool
    private var writer: FossilDeltaWriter
    /// Up to where the target has been written.
    private var position = 0

    /// A patch that makes the target of the base; nil where it would be no smaller than the target.
    ///
    /// - Parameter keepsCharacters: Both are UTF-8, and so shall the patch be: what is not copied is whole characters.
    package static func patch(from base: [UInt8], to target: [UInt8], keepsCharacters: Bool) -> [UInt8]? {
        var delta = FossilDelta(base, target, keepsCharacters)
        return delta.patch()
    }

    private init(_ base: [UInt8], _ target: [UInt8], _ keepsCharacters: Bool) {
        self.base = base
        self.target = target
        self.keepsCharacters = keepsCharacters
        self.writer = FossilDeltaWriter(capacity: target.count / 4 + 32)
    }

    private mutating func patch() -> [UInt8]? {
        self.writer.number(UInt32(truncatingIfNeeded: self.target.count), "\n")
        // Most publications are as the last one was at their beginning and at their end.
        if let head = self.worthwhile(Copy(source: 0, target: 0, count: self.commonPrefix)) { self.add(head) }
        let count = self.commonSuffix
        let tail = self.worthwhile(
            Copy(source: self.base.count - count, target: self.target.count - count, count: count))
        self.search(upTo: tail?.target ?? self.target.count)
        if let tail { self.add(tail) }
        self.addLiteral(upTo: self.target.count)
        self.writer.number(FossilDeltaWriter.checksum(self.target.span), ";")
        return self.writer.bytes.count < self.target.count ? self.writer.bytes : nil
    }

    /// Finds what of the target, from where it has been written up to here, stands anywhere in the base.
    private mutating func search(upTo end: Int) {
        guard end - self.position > FossilDeltaIndex.window, let index = FossilDeltaIndex(self.base.span) else {
            return
        }
        var cursor = self.position
        var word: UInt64 = 0
        var filled = 0
        while cursor + FossilDeltaIndex.window <= end, self.writer.bytes.count < self.target.count {
            while filled < FossilDeltaIndex.window {
                word = word << 8 | UInt64(self.target[cursor + filled])
                filled += 1
            }
            if let copy = self.longest(index, word, at: cursor, end: end) {
                self.add(copy)
                cursor = self.position
                filled = 0
            } else {
                cursor += 1
                filled -= 1
            }
        }
    }

    /// The longest of the copies that begin with these eight bytes, stretched to both sides; nil where none is worth
    /// its command.
    private func longest(_ index: FossilDeltaIndex, _ word: UInt64, at cursor: Int, end: Int) -> Copy? {
        var best: Copy?
        var block = index.first(word)
        for _ in 0..<FossilDeltaIndex.candidatesMax {
            guard let start = index.start(of: block) else { break }
            var copy = Copy(source: start, target: cursor, count: 0)
            while copy.end < end, copy.source + copy.count < self.base.count,
                self.base[copy.source + copy.count] == self.target[copy.end]
            { copy.count += 1 }
            if copy.count >= FossilDeltaIndex.window {
                while copy.target > self.position, copy.source > 0,
                    self.base[copy.source - 1] == self.target[copy.target - 1]
                {
                    copy.source -= 1
                    copy.target -= 1
                    copy.count += 1
                }
                if copy.count > best?.count ?? 0 { best = copy }
            }
            block = index.next(block)
        }
        return best.flatMap(self.worthwhile)
    }

    /// A copy without parts of characters, if it is shorter than what it stands for.
    private func worthwhile(_ copy: Copy) -> Copy? {
        var copy = copy
        if self.keepsCharacters {
            while copy.count > 0, self.isInside(copy.target) {
                copy.source += 1
                copy.target += 1
                copy.count -= 1
            }
            while copy.count > 0, self.isInside(copy.end) { copy.count -= 1 }
        }
        return copy.count > FossilDeltaWriter.cost(of: copy) ? copy : nil
    }

    /// Whether a place of the target is within a character.
    private func isInside(_ place: Int) -> Bool { place < self.target.count && self.target[place] & 0xC0 == 0x80 }

    private mutating func add(_ copy: Copy) {
        self.addLiteral(upTo: copy.target)
        self.writer.copy(copy)
        self.position = copy.end
    }

    private mutating func addLiteral(upTo end: Int) {
        guard end > self.position else { return }
        self.writer.literal(self.target[self.position..<end])
        self.position = end
    }

    private var commonPrefix: Int {
        let most = min(self.base.count, self.target.count)
        var count = 0
        while count < most, self.base[count] == self.target[count] { count += 1 }
        return count
    }

    /// Of what has not been written yet.
    private var commonSuffix: Int {
        let most = min(self.base.count, self.target.count - self.position)
        var count = 0
        while count < most, self.base[self.base.count - 1 - count] == self.target[self.target.count - 1 - count] {
            count += 1
        }
        return count
    }
}
