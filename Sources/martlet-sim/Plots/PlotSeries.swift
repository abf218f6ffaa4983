// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A line or a band in a panel, one value a sample.
struct PlotSeries: Sendable {
    enum Values: Sendable {
        case line([Double])
        case band([(Double, Double)])
    }

    var name: String
    var color: String
    var values: Values

    init(_ name: String, _ color: String, _ values: Values) {
        self.name = name
        self.color = color
        self.values = values
    }

    var most: Double {
        switch self.values {
        case .line(let values): values.max() ?? 0
        case .band(let values): values.reduce(0) { max($0, $1.1) }
        }
    }
}
