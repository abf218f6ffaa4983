// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Something that grows with the cluster, and what there is of it.
struct Bound: Sendable {
    let what: String
    let unit: String
    /// How the load is computed, in words.
    let arithmetic: String
    let capacity: Double
    let wayPast: String
    let load: @Sendable (Workload) -> Double

    init(
        _ what: String, in unit: String, of capacity: Double, _ arithmetic: String, past wayPast: String,
        load: @escaping @Sendable (Workload) -> Double
    ) {
        self.what = what
        self.unit = unit
        self.arithmetic = arithmetic
        self.capacity = capacity
        self.wayPast = wayPast
        self.load = load
    }

    /// The connections at which it breaks, where nodes are added as connections are; infinite where it does not.
    func breaks(_ workload: Workload) -> Double {
        var (low, high) = (1.0, 1e12)
        guard self.load(workload.scaled(to: high)) > self.capacity else { return .infinity }
        for _ in 0..<80 {
            let middle = (low * high).squareRoot()
            if self.load(workload.scaled(to: middle)) > self.capacity { high = middle } else { low = middle }
        }
        return high
    }
}
