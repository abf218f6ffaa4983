// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

/// `martlet-sim run`.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run scenarios, and exit with 1 where one does not hold.")

    @Argument(help: "The names of scenarios (see list), or all.")
    var names: [String]

    @Option(help: "Another seed than the scenario's own.")
    var seed: UInt64?

    @Option(help: "Another step than the scenario's own, in seconds: what changes with it is the step's doing.")
    var step: Double?

    @Option(help: "Draw a plot to this file; with several scenarios, one for each in this directory.")
    var svg: String?

    @Flag(help: "Print JSON, with the samples, one scenario a line.")
    var json = false

    @Flag(help: "Print a table in Markdown, a row a scenario.")
    var table = false

    func validate() throws {
        if let step, !(0.01...10).contains(step) { throw ValidationError("a step is 0.01 to 10 seconds long") }
    }

    func run() throws {
        let all = ScenarioCatalogue.all
        var scenarios: [Scenario] = []
        for name in self.names {
            let named = name == "all" ? all : all.filter { $0.name == name }
            if named.isEmpty { throw ValidationError("there is no scenario \(name); martlet-sim list names them") }
            scenarios += named
        }
        if self.table { print("| scenario | what happens | what is shown | holds |\n| --- | --- | --- | --- |") }
        var holds = true
        for var scenario in scenarios {
            if let seed { scenario.seed = seed }
            if let step { scenario.step = step }
            let began = ContinuousClock.now
            let result = Simulation.run(scenario)
            let report = ScenarioReport(scenario, result, took: began.duration(to: .now))
            print(self.json ? try report.json() : self.table ? report.row : report.text)
            if let svg {
                let path = scenarios.count > 1 ? "\(svg)/\(scenario.name).svg" : svg
                try Plot(scenario, result).svg.write(toFile: path, atomically: true, encoding: .utf8)
            }
            holds = holds && report.holds
        }
        if !holds { throw ExitCode(1) }
    }
}
