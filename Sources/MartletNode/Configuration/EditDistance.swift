// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// How far a mistyped name is from a known one.
package enum EditDistance {
    /// Insertions, deletions, substitutions and swaps of neighbours that lead from one to the other (optimal string
    /// alignment).
    package static func between(_ first: String, _ second: String) -> Int {
        let (first, second) = (Array(first.utf8), Array(second.utf8))
        var beforeLast: [Int] = []
        var last = Array(0...second.count)
        for row in first.indices {
            var current = [row + 1]
            for column in second.indices {
                let isEqual = first[row] == second[column]
                var cost = min(last[column] + (isEqual ? 0 : 1), last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, first[row] == second[column - 1], first[row - 1] == second[column] {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            (beforeLast, last) = (last, current)
        }
        return last[second.count]
    }

    /// The known name that was probably meant, or nil where none is near.
    package static func nearest(to name: String, among known: [String]) -> String? {
        // A key written without its section, or in the wrong one.
        let leaf = name.split(separator: ".").last.map(String.init) ?? name
        let distances = known.map { (name: $0, distance: Self.between(name, $0)) }
        if let best = distances.min(by: { $0.distance < $1.distance }), best.distance <= max(2, name.utf8.count / 4) {
            return best.name
        }
        return known.first { $0.hasSuffix("." + leaf) }
    }
}
