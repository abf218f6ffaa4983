// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// One of a plot's panels.
struct PlotPanel: Sendable {
    var title: String
    /// Of the vertical axis.
    var unit: String
    var series: [PlotSeries]

    /// Whether there is nothing to be seen.
    var isEmpty: Bool { self.most == 0 }

    private var most: Double { self.series.reduce(0) { max($0, $1.most) } }

    /// Between ticks of the vertical axis, about four of them. What is drawn are counts: it is whole.
    var tick: Double {
        var unit = 1.0
        while unit * 50 < self.most { unit *= 10 }
        return [1.0, 2, 5, 10].map { $0 * unit }.first { $0 * 5 >= self.most } ?? unit * 10
    }

    /// Where that axis ends.
    var top: Double { max(1, (self.most / self.tick).rounded(.up)) * self.tick }
}
