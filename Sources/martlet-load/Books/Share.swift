// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Cuts a whole into parts that differ by one at most.
enum Share {
    static func sizes(of total: Int, in parts: Int) -> [Int] {
        let parts = max(1, parts)
        return (0..<parts).map { total / parts + ($0 < total % parts ? 1 : 0) }
    }
}
