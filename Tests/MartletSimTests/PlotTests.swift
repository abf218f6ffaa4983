// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import martlet_sim

@Suite("Plots")
struct PlotTests {
    @Test("A plot is small, closed, and says what it shows")
    func plot() {
        let scenario = LossScenarios.lostNode(percent: 60, step: 1, scale: 0.02)
        let svg = Plot(scenario, Simulation.run(scenario)).svg
        #expect(svg.utf8.count < 60_000)
        #expect(svg.hasPrefix("<svg xmlns=") && svg.hasSuffix("</svg>\n"))
        for text in ["connections per ready node", "per second", "nodes", "minutes", scenario.name, "60 % is lost"] {
            #expect(svg.contains(text), "\(text)")
        }
        #expect(!svg.contains("nan") && !svg.contains("inf"))
    }

    @Test("Axes end at round numbers above what they show", arguments: [0.0, 1, 3, 20, 27, 999, 1_001, 30_000, 52_345])
    func axes(most: Double) {
        let panel = PlotPanel(title: "", unit: "", series: [PlotSeries("", "", .line([0, most]))])
        #expect(panel.top >= max(1, most) && panel.top <= max(5, 2.5 * most))
        #expect((1...6).contains(Int((panel.top / panel.tick).rounded())))
    }

    @Test(
        "Numbers and text as they are written",
        arguments: [(0.5, "0.5"), (1_234.56, "1,234"), (-2, "-2"), (1_000_000, "1,000,000")])
    func numbers(value: Double, text: String) {
        #expect(value.short == text)
        #expect((0.05 + value).tenth.contains(".") == (value == 0.5 || value == 1_234.56) || value != 1_234.56)
        #expect("a < b & c".escaped == "a &lt; b &amp; c")
    }
}
