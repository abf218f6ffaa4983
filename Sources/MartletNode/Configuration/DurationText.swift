// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Durations as people write them: `250ms`, `10s`, `1h30m`.
package enum DurationText {
    /// From the largest to the smallest, as they may follow each other.
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]

    /// Nil for anything else, for a unit that stands twice or before a larger one, and for more than 30 years.
    package static func parse(_ text: String) -> Duration? {
        var rest = text[...]
        var units = Self.units[...]
        var total: Int64 = 0
        repeat {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            let name = rest.dropFirst(digits.count).prefix { $0.isASCII && $0.isLetter }
            guard let count = Int64(digits), count <= 1_000_000_000_000,
                let position = units.firstIndex(where: { $0.name == name })
            else { return nil }
            let (part, overflow) = count.multipliedReportingOverflow(by: units[position].milliseconds)
            guard !overflow, part <= 1_000_000_000_000 else { return nil }
            total += part
            units = units[(position + 1)...]
            rest = rest.dropFirst(digits.count + name.count)
        } while !rest.isEmpty
        return total <= 1_000_000_000_000 ? .milliseconds(total) : nil
    }

    /// The shortest way to write it, to the millisecond. Days are left as hours, which is how lifetimes are spoken of.
    package static func render(_ duration: Duration) -> String {
        var rest = duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
        guard rest > 0 else { return "0s" }
        var text = ""
        for unit in Self.units.dropFirst() where rest >= unit.milliseconds {
            text += "\(rest / unit.milliseconds)\(unit.name)"
            rest %= unit.milliseconds
        }
        return text
    }
}
