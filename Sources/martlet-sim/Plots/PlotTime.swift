// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The axis of time: in the unit that suits its length, with few ticks.
struct PlotTime: Sendable {
    let length: Double
    let unit: String
    let secondsPerUnit: Double
    /// Between ticks, in units.
    let tick: Double

    init(length: Double) {
        self.length = length
        (self.unit, self.secondsPerUnit) =
            length > 4 * 3_600 ? ("hours", 3_600) : length > 600 ? ("minutes", 60) : ("seconds", 1)
        let units = length / self.secondsPerUnit
        let steps = self.unit == "hours" ? [1.0, 2, 3, 6, 12, 24] : [1.0, 2, 5, 10, 15, 20, 30, 60, 120]
        self.tick = steps.first { units / $0 <= 12 } ?? units
    }

    var ticks: [Double] { Array(stride(from: 0, through: self.length / self.secondsPerUnit, by: self.tick)) }
}
