// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Sizes as people write them: `65536`, `64KiB`, `1MiB`.
package enum ByteCountText {
    private static let units: [(name: String, shift: Int)] = [("GiB", 30), ("MiB", 20), ("KiB", 10)]

    package static func parse(_ text: String) -> Int? {
        for unit in Self.units where text.hasSuffix(unit.name) {
            guard let count = Int(text.dropLast(unit.name.count)), count >= 0 else { return nil }
            let (bytes, overflow) = count.multipliedReportingOverflow(by: 1 << unit.shift)
            return overflow ? nil : bytes
        }
        return Int(text).flatMap { $0 >= 0 ? $0 : nil }
    }

    package static func render(_ bytes: Int) -> String {
        for unit in Self.units where bytes > 0 && bytes % (1 << unit.shift) == 0 {
            return "\(bytes >> unit.shift)\(unit.name)"
        }
        return "\(bytes)"
    }
}
