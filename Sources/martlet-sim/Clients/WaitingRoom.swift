// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Clients that come (back) later, by the step in which they come.
struct WaitingRoom: Sendable {
    /// Seconds that nobody is told to stay away for.
    static let horizon = 120.0
    /// Into how many parts at most a cohort is spread that leaves together.
    private static let slicesMax = 16

    private let step: Double
    private var slots: [[Cohort]]
    private var head = 0
    private(set) var count = 0

    /// - Parameter step: The length of one, in seconds.
    init(step: Double) {
        self.step = step
        self.slots = Array(repeating: [], count: Int((Self.horizon / step).rounded(.up)) + 2)
    }

    mutating func add(_ cohort: Cohort, after delay: Double) {
        guard cohort.count > 0 else { return }
        // Who comes within a step comes in the next one: never in the one that is being worked on.
        let steps = max(1, min(self.slots.count - 1, Int((delay / self.step).rounded(.up))))
        self.slots[(self.head + steps) % self.slots.count].append(cohort)
        self.count += cohort.count
    }

    /// Adds a cohort whose members draw their delays independently, in parts: `delay` is asked with random numbers that
    /// lie as evenly as many independent ones would.
    mutating func scatter(_ cohort: Cohort, _ random: inout SeededGenerator, delay: (Double) -> Double) {
        let slices = min(cohort.count, Self.slicesMax)
        guard slices > 0 else { return }
        var left = cohort.count
        for slice in 0..<slices {
            var part = cohort
            part.count = left / (slices - slice)
            left -= part.count
            self.add(part, after: delay((Double(slice) + random.uniform()) / Double(slices)))
        }
    }

    /// Who comes now; the next step begins.
    mutating func next() -> [Cohort] {
        let due = self.slots[self.head].sorted { $0.key < $1.key }
        self.slots[self.head].removeAll(keepingCapacity: true)
        self.head = (self.head + 1) % self.slots.count
        var merged: [Cohort] = []
        for cohort in due {
            self.count -= cohort.count
            if let last = merged.indices.last, merged[last].key == cohort.key {
                merged[last].count += cohort.count
            } else {
                merged.append(cohort)
            }
        }
        return merged
    }

    /// How long the one has waited who has waited longest, in seconds.
    func longest(at now: Double) -> Int {
        self.slots.joined().reduce(0) { max($0, Int(now) - Int($1.since)) }
    }
}
