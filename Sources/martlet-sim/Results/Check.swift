// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// One thing that a scenario must show.
struct Check: Codable, Sendable {
    /// What is measured, with its unit.
    let what: String
    let value: Double
    let least: Double?
    let most: Double?

    init(_ what: String, _ value: Double, atMost most: Double) {
        self.what = what
        self.value = value
        self.least = nil
        self.most = most
    }

    init(_ what: String, _ value: Double, atLeast least: Double) {
        self.what = what
        self.value = value
        self.least = least
        self.most = nil
    }

    var holds: Bool {
        self.value.isFinite && (self.most.map { self.value <= $0 } ?? true)
            && (self.least.map { self.value >= $0 } ?? true)
    }

    var bound: String { self.most.map { "≤ \($0.short)" } ?? self.least.map { "≥ \($0.short)" } ?? "" }

    var text: String { "\(self.holds ? "holds" : "FAILS")  \(self.what): \(self.value.short) (\(self.bound))" }
}

extension Double {
    /// Three digits behind the point at most, groups of three before it.
    var short: String {
        guard self.isFinite, abs(self) < 1e15 else { return "\(self)" }
        let thousandths = Int((abs(self) * 1_000).rounded())
        let (whole, part) = thousandths.quotientAndRemainder(dividingBy: 1_000)
        var digits = String(whole)
        var position = digits.count - 3
        while position > 0 {
            digits.insert(",", at: digits.index(digits.startIndex, offsetBy: position))
            position -= 3
        }
        var fraction = String(String(part + 1_000).dropFirst())
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return (self < 0 ? "-" : "") + digits + (fraction.isEmpty || whole >= 1_000 ? "" : "." + fraction)
    }
}
