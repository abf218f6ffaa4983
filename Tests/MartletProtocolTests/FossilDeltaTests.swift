// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol
import TestSupport
import Testing

/// Patches are judged by applying them, as the clients do.
@Suite struct FossilDeltaTests {
    private func patch(_ base: String, _ target: String, keepsCharacters: Bool = true) -> [UInt8]? {
        FossilDelta.patch(from: Array(base.utf8), to: Array(target.utf8), keepsCharacters: keepsCharacters)
    }

    /// As the published description of the format has them.
    @Test(arguments: [
        (6246, "1Xb"), (270, "4E"), (983, "FN"), (268, "4C"), (75, "1B"), (1256, "Jd"), (380, "5x"), (1336, "Kt"),
        (457, "79"), (1720, "Qt"), (4046, "~E"), (2176, "Y0"), (0, "0"), (63, "~"), (64, "10"),
    ])
    func writesNumbersOf64Digits(number: Int, digits: String) throws {
        // A text that is one copy of the base says how long it is, and where in the base it begins.
        let base = Array("the text before it ".utf8) + (0..<number).map { UInt8(truncatingIfNeeded: $0 &* 31 + 7) }
        let target = Array(base.suffix(number))
        guard number >= 16 else { return }
        let patch = try #require(FossilDelta.patch(from: base, to: target, keepsCharacters: false))
        #expect(String(decoding: patch, as: UTF8.self).hasPrefix("\(digits)\n\(digits)@J,"))
        #expect(try FossilPatch.apply(patch, to: base) == target)
    }

    @Test func copiesWhatIsTheSameAndSaysWhatIsNot() throws {
        let base = #"{"symbol":"MRTL","price":100.25,"volume":1200,"at":"2026-01-01T00:00:00Z"}"#
        let target = #"{"symbol":"MRTL","price":101.75,"volume":1200,"at":"2026-01-01T00:00:00Z"}"#
        let patch = try #require(self.patch(base, target))
        #expect(String(decoding: patch, as: UTF8.self) == "1A\nR@0,3:1.7h@U,\(Self.checksum(target));")
        #expect(try FossilPatch.apply(patch, to: Array(base.utf8)) == Array(target.utf8))
    }

    @Test func findsWhatHasMoved() throws {
        let parts = ["a part that comes first, ", "one that comes second, ", "and a third of some length; "]
        let base = parts.joined()
        let target = parts[2] + "new " + parts[0] + parts[1]
        let patch = try #require(self.patch(base, target))
        #expect(patch.count < 40)
        #expect(try FossilPatch.apply(patch, to: Array(base.utf8)) == Array(target.utf8))
    }

    @Test(arguments: [("", "x"), ("x", ""), ("", ""), ("abc", "xyz"), ("1", "2"), ("a long text", "another")])
    func isNotWhereItWouldNotBeSmaller(base: String, target: String) {
        #expect(self.patch(base, target) == nil)
    }

    /// A client of the JSON encoding reads a patch as text.
    @Test func cutsNoCharacters() throws {
        let base = String(repeating: "é", count: 40) + String(repeating: "日本", count: 20) + "😀😀😀😀"
        for (old, new) in [("é", "è"), ("本", "木"), ("日本", "日木本"), ("😀", "😁")] {
            let target = base.replacing(old, with: new, maxReplacements: 3)
            let patch = try #require(self.patch(base, target))
            #expect(String(validating: patch, as: UTF8.self) != nil)
            #expect(try FossilPatch.apply(patch, to: Array(base.utf8)) == Array(target.utf8))
        }
    }

    @Test(arguments: 0..<400) func makesTheTargetOfAnyBase(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let base = random.bytes(0...3_000, alphabet: [1, 2, 4, 200].randomElement(using: &random) ?? 4)
        let target = random.variation(of: base)
        guard let patch = FossilDelta.patch(from: base, to: target, keepsCharacters: false) else { return }
        #expect(patch.count < target.count)
        #expect(try FossilPatch.apply(patch, to: base) == target)
    }

    @Test(arguments: 0..<200) func makesTextOfAnyText(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed &+ 10_000)
        let letters: [Character] = ["a", "b", "é", "è", "日", "本", "😀", "😁", "\"", "\\"]
        let base = String(
            (0..<Int.random(in: 0...600, using: &random)).map { _ in letters.randomElement(using: &random) ?? "a" })
        var changed = Array(base)
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            let place = Int.random(in: 0...changed.count, using: &random)
            changed.insert(letters.randomElement(using: &random) ?? "a", at: place)
        }
        let target = String(changed)
        guard let patch = self.patch(base, target) else { return }
        #expect(String(validating: patch, as: UTF8.self) != nil)
        #expect(try FossilPatch.apply(patch, to: Array(base.utf8)) == Array(target.utf8))
    }

    /// What repeats itself would make a search without bounds take the square of its length.
    @Test(arguments: [1, 2, 8, 9]) func isBoundedWhereAllIsAlike(period: Int) throws {
        let base = (0..<65_536).map { UInt8($0 % period) }
        var target = base
        for place in stride(from: 0, to: target.count, by: 9) { target[place] = 77 }
        let start = ContinuousClock.now
        let patch = FossilDelta.patch(from: base, to: target, keepsCharacters: false)
        #expect(start.duration(to: .now) < .seconds(20))
        if let patch { #expect(try FossilPatch.apply(patch, to: base) == target) }
    }

    private static func checksum(_ text: String) -> String {
        var sum: UInt32 = 0
        for (index, byte) in text.utf8.enumerated() { sum &+= UInt32(byte) << UInt32((3 - index % 4) * 8) }
        var digits = ""
        while sum > 0 {
            digits = String(FossilPatch.digits[Int(sum & 63)]) + digits
            sum >>= 6
        }
        return digits
    }
}

extension SeededGenerator {
    fileprivate mutating func bytes(_ counts: ClosedRange<Int>, alphabet: Int) -> [UInt8] {
        (0..<Int.random(in: counts, using: &self)).map { _ in UInt8(Int.random(in: 0..<alphabet, using: &self)) }
    }

    /// Some bytes removed, put in, written over or moved.
    fileprivate mutating func variation(of base: [UInt8]) -> [UInt8] {
        var bytes = base
        for _ in 0..<Int.random(in: 0...6, using: &self) {
            let start = Int.random(in: 0...bytes.count, using: &self)
            let end = min(bytes.count, start + Int.random(in: 0...200, using: &self))
            switch Int.random(in: 0..<4, using: &self) {
            case 0: bytes.removeSubrange(start..<end)
            case 1: bytes.insert(contentsOf: self.bytes(0...60, alphabet: 256), at: start)
            case 2: for index in start..<end { bytes[index] &+= 1 }
            default:
                let part = bytes[start..<end]
                bytes.removeSubrange(start..<end)
                bytes.insert(contentsOf: part, at: Int.random(in: 0...bytes.count, using: &self))
            }
        }
        return bytes
    }
}
