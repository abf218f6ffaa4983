// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// From one level to another within a moment, and back after a while: a goal, a push message, a sale.
struct FlashCrowd: ArrivalPattern {
    var before: Double
    var during: Double
    /// When it begins, how long it takes to come, and when it ebbs, in seconds.
    var begins: Double
    var rise: Double
    var ends = Double.infinity
    var ebb = 1_800.0

    func population(at second: Double) -> Double {
        let part =
            second < self.ends
            ? min(1, max(0, (second - self.begins) / self.rise)) : max(0, 1 - (second - self.ends) / self.ebb)
        return self.before + (self.during - self.before) * part
    }
}
