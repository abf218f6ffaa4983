// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What came of a scenario, drawn: four panels over one axis of time, as SVG.
struct Plot: Sendable {
    private static let width = 760.0
    private static let left = 84.0
    private static let right = 12.0
    private static let top = 44.0
    private static let panelHeight = 112.0
    private static let gap = 42.0

    private let scenario: Scenario
    private let samples: [Sample]

    init(_ scenario: Scenario, _ result: SimulationResult) {
        self.scenario = scenario
        self.samples = result.samples
    }

    var svg: String {
        let panels = self.panels
        let height = Self.top + Double(panels.count) * (Self.panelHeight + Self.gap) + 16
        let box = PlotBox(
            left: Self.left, width: Self.width - Self.left - Self.right, height: Self.panelHeight,
            time: PlotTime(length: self.scenario.length))
        var parts = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Self.width.short) \(height.tenth)\""
                + " font-family=\"sans-serif\" font-size=\"11\" fill=\"#333\">",
            "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>",
            "<text x=\"12\" y=\"18\" font-size=\"13\" font-weight=\"bold\">\(self.scenario.name)</text>",
            "<text x=\"12\" y=\"34\" fill=\"#666\">\(self.scenario.summary.escaped)</text>",
        ]
        for (index, panel) in panels.enumerated() {
            let top = Self.top + Double(index) * (Self.panelHeight + Self.gap) + 18
            parts.append(box.draw(panel, top: top, times: self.samples.map(\.time), isLast: index == panels.count - 1))
        }
        return (parts + ["</svg>", ""]).joined(separator: "\n")
    }

    private var panels: [PlotPanel] {
        [
            PlotPanel(
                title: "connections per ready node", unit: "connections",
                series: [
                    PlotSeries(
                        "min to max", "#9ec5e8", .band(self.samples.map { (Double($0.openMin), Double($0.openMax)) })),
                    PlotSeries("mean", "#12609e", .line(self.samples.map(\.openMean))),
                ]),
            PlotPanel(
                title: "reconnect attempts", unit: "per second",
                series: [PlotSeries("worst second", "#b8620b", .line(self.samples.map { Double($0.reconnects) }))]),
            PlotPanel(
                title: "refused attempts", unit: "per second",
                series: [PlotSeries("worst second", "#b3261e", .line(self.samples.map { Double($0.refused) }))]),
            PlotPanel(
                title: "nodes", unit: "nodes",
                series: [
                    PlotSeries("ready", "#2c7a3f", .line(self.samples.map { Double($0.nodesReady) })),
                    PlotSeries("starting", "#8a6fc2", .line(self.samples.map { Double($0.nodesStarting) })),
                    PlotSeries("draining", "#8c8c8c", .line(self.samples.map { Double($0.nodesDraining) })),
                ]),
        ]
    }
}
