// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Where a panel's drawing goes, and how it is drawn.
struct PlotBox: Sendable {
    let left: Double
    let width: Double
    let height: Double
    let time: PlotTime

    func draw(_ panel: PlotPanel, top: Double, times: [Double], isLast: Bool) -> String {
        let scale = panel.top
        func x(_ time: Double) -> String { (self.left + self.width * time / self.time.length).tenth }
        func y(_ value: Double) -> String { (top + self.height * (1 - value / scale)).tenth }
        let bottom = y(0)
        var parts: [String] = []
        for value in stride(from: 0, through: scale, by: panel.tick) {
            let color = value == 0 ? "#888" : "#e4e4e4"
            parts.append("<path d=\"M\(self.left.tenth) \(y(value))h\(self.width.tenth)\" stroke=\"\(color)\"/>")
            parts.append(Self.text(value.brief, (self.left - 6).tenth, y(value), "dy=\"4\" text-anchor=\"end\""))
        }
        for tick in self.time.ticks {
            let place = x(tick * self.time.secondsPerUnit)
            parts.append("<path d=\"M\(place) \(bottom)v4\" stroke=\"#888\"/>")
            parts.append(Self.text(tick.short, place, bottom, "dy=\"15\" text-anchor=\"middle\""))
        }
        let middle = (top + self.height / 2).tenth
        let turned = "transform=\"rotate(-90 14 \(middle))\" text-anchor=\"middle\" fill=\"#666\""
        parts.append(Self.text(panel.unit, "14", middle, turned))
        parts.append(Self.text(panel.title, self.left.tenth, (top - 6).tenth, "font-weight=\"bold\""))
        parts.append(self.legend(panel, top))
        if panel.isEmpty {
            let center = (self.left + self.width / 2).tenth
            parts.append(Self.text("none", center, middle, "text-anchor=\"middle\" fill=\"#666\""))
        }
        for series in panel.series { parts.append(Self.path(series, times, x, y)) }
        if isLast {
            let end = (self.left + self.width).tenth
            parts.append(Self.text(self.time.unit, end, bottom, "dy=\"30\" text-anchor=\"end\" fill=\"#666\""))
        }
        return parts.joined(separator: "\n")
    }

    /// One text, so that no width needs to be known.
    private func legend(_ panel: PlotPanel, _ top: Double) -> String {
        let entries = panel.series.enumerated().map { index, series in
            let gap = index == 0 ? 0 : 14
            return "<tspan dx=\"\(gap)\" fill=\"\(series.color)\">■</tspan>"
                + "<tspan dx=\"4\">\(series.name.escaped)</tspan>"
        }
        let right = (self.left + self.width).tenth
        return "<text x=\"\(right)\" y=\"\((top - 6).tenth)\" text-anchor=\"end\">\(entries.joined())</text>"
    }

    private static func text(_ text: String, _ x: String, _ y: String, _ attributes: String) -> String {
        "<text x=\"\(x)\" y=\"\(y)\" \(attributes)>\(text.escaped)</text>"
    }

    private static func path(
        _ series: PlotSeries, _ times: [Double], _ x: (Double) -> String, _ y: (Double) -> String
    ) -> String {
        switch series.values {
        case .line(let values):
            let points = Self.thinned(zip(times, values).map { (x($0), y($1)) })
            return "<polyline points=\"\(points)\" fill=\"none\" stroke=\"\(series.color)\" stroke-width=\"1.4\"/>"
        case .band(let values):
            let upper = zip(times, values).map { (x($0), y($1.1)) }
            let lower = zip(times, values).reversed().map { (x($0), y($1.0)) }
            return "<polygon points=\"\(Self.thinned(upper)) \(Self.thinned(lower))\" fill=\"\(series.color)\"/>"
        }
    }

    /// Without points between two others of the same height.
    private static func thinned(_ points: [(String, String)]) -> String {
        var kept: [String] = []
        for (index, point) in points.enumerated() {
            let isWithin = index > 0 && index < points.count - 1
            if isWithin && points[index - 1].1 == point.1 && points[index + 1].1 == point.1 { continue }
            kept.append("\(point.0),\(point.1)")
        }
        return kept.joined(separator: " ")
    }
}

extension Double {
    /// On an axis, where there is room for few digits.
    var brief: String { abs(self) >= 1e6 ? (self / 1e6).short + " M" : self.short }

    /// With one digit behind the point, if any.
    var tenth: String {
        let tenths = Int((self * 10).rounded())
        let (whole, part) = abs(tenths).quotientAndRemainder(dividingBy: 10)
        return (tenths < 0 ? "-" : "") + "\(whole)" + (part == 0 ? "" : ".\(part)")
    }
}

extension String {
    /// As text in XML.
    var escaped: String {
        self.reduce(into: "") { text, character in
            switch character {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            default: text.append(character)
            }
        }
    }
}
