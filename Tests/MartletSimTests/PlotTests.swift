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
        "Time has few ticks, where one looks for them",
        arguments: [
            (172_800.0, "hours", 6.0), (28_800, "hours", 1), (3_600, "minutes", 5), (900, "minutes", 2),
            (60, "seconds", 5),
        ])
    func time(length: Double, unit: String, tick: Double) {
        let time = PlotTime(length: length)
        #expect(time.unit == unit && time.tick == tick)
        #expect(time.ticks.count <= 13)
    }

    @Test("A panel without anything says so")
    func empty() {
        var result = SimulationResult()
        result.samples = [Sample(), Sample(time: 100, nodesReady: 2)]
        let svg = Plot(GrowthScenarios.grow(.roundRobin), result).svg
        #expect(svg.split(separator: "\n").count { $0.contains(">none<") } == 3)
    }

    @Test("Numbers and text as they are written")
    func numbers() {
        #expect([0.5, 1_234.56, -2, 1_000_000].map(\.short) == ["0.5", "1,234", "-2", "1,000,000"])
        #expect([0.04, 1.25, -0.5, 30].map(\.tenth) == ["0", "1.3", "-0.5", "30"])
        #expect([2_500_000.0, 999_000].map(\.brief) == ["2.5 M", "999,000"])
        #expect("a < b & c".escaped == "a &lt; b &amp; c")
    }
}
