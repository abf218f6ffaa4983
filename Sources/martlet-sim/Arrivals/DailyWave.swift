// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A day: a night, a morning that rises steeply, a noon that sags, an evening peak; with a ripple on it, for no hour is
/// like the one before.
struct DailyWave: ArrivalPattern {
    /// Clients at night and in the evening.
    var low: Double
    var high: Double
    /// The ripple, as a part of the whole, and its period in seconds.
    var ripple = 0.04
    var ripplePeriod = 1_500.0
    /// Length of a day in seconds.
    var day = 86_400.0

    /// Hour of the day, and where between low and high it stands.
    private static let shape: [(hour: Double, level: Double)] = [
        (0, 0.45), (2, 0.12), (4, 0), (6, 0.12), (8, 0.55), (10, 0.78), (13, 0.66), (16, 0.76), (20, 1), (22, 0.82),
        (24, 0.45),
    ]

    func population(at second: Double) -> Double {
        let hour = (second / self.day - (second / self.day).rounded(.down)) * 24
        var level = 0.0
        for (from, to) in zip(Self.shape, Self.shape.dropFirst()) where from.hour <= hour && hour <= to.hour {
            let part = (hour - from.hour) / (to.hour - from.hour)
            level = from.level + (to.level - from.level) * (1 - cos(.pi * part)) / 2
        }
        let wave = 1 + self.ripple * sin(2 * .pi * second / self.ripplePeriod)
        return (self.low + (self.high - self.low) * level) * wave
    }
}
