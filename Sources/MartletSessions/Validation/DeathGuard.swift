// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Notices when an authority suddenly calls a great part of all sessions dead, as one does that has lost its database:
/// then nobody is closed for it until the share has fallen again.
struct DeathGuard {
    /// The last minute, in slices of ten seconds.
    private static let sliceCount = 6
    private static let slice: Int64 = 10_000_000_000

    private struct Slice {
        var number: Int64 = -1
        var answers = 0
        var dead = 0
    }

    private let shareMax: Double
    private let sampleMin: Int
    private var slices = [Slice](repeating: Slice(), count: Self.sliceCount)
    private(set) var isActive = false

    init(shareMax: Double, sampleMin: Int) {
        self.shareMax = shareMax
        self.sampleMin = sampleMin
    }

    /// Counts the answers of a call, to be done before any of them is acted upon.
    mutating func count(answers: Int, dead: Int, now: Int64) {
        let number = now / Self.slice
        let index = Int(number % Int64(Self.sliceCount))
        if self.slices[index].number != number { self.slices[index] = Slice(number: number) }
        self.slices[index].answers += answers
        self.slices[index].dead += dead
        let recent = self.slices.filter { $0.number > number - Int64(Self.sliceCount) }
        let (total, lost) = recent.reduce((0, 0)) { ($0.0 + $1.answers, $0.1 + $1.dead) }
        let isSuspicious = Double(lost) > Double(total) * self.shareMax
        // Once active, it takes a calm minute to end it, not merely a quiet one.
        self.isActive = isSuspicious && (total >= self.sampleMin || self.isActive)
    }
}
