// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore

/// A scenario's verdict, for people and programs.
struct ScenarioReport: Codable, Sendable {
    let scenario: String
    let summary: String
    let seed: UInt64
    let holds: Bool
    let checks: [Check]
    /// Wall time, and what was simulated.
    let tookSeconds: Double
    let simulatedSeconds: Double
    let clientsMost: Int
    let nodesMost: Int
    let reconnectsPeak: Int
    let refusedPeak: Int
    let refused: Int
    let waitedSeconds: [String: Int]
    let samples: [Sample]

    init(_ scenario: Scenario, _ result: SimulationResult, took: Duration) {
        self.scenario = scenario.name
        self.summary = scenario.summary
        self.seed = scenario.seed
        self.checks = scenario.checks(result)
        self.holds = self.checks.allSatisfy(\.holds)
        self.tookSeconds = took.inSeconds
        self.simulatedSeconds = scenario.length
        self.clientsMost = result.samples.reduce(0) { max($0, $1.open + $1.waiting) }
        self.nodesMost = result.samples.reduce(0) { max($0, $1.nodesReady) }
        self.reconnectsPeak = result.reconnectsPeak
        self.refusedPeak = result.refusedPeak
        self.refused = result.refused
        self.waitedSeconds = [
            "p50": result.waits.quantile(0.5), "p99": result.waits.quantile(0.99), "max": result.waits.longest,
        ]
        self.samples = result.samples
    }

    var text: String {
        let waited = ["p50", "p99", "max"].map { "\($0) \(self.waitedSeconds[$0] ?? 0) s" }.joined(separator: ", ")
        let lines =
            ["\(self.scenario): \(self.summary)"] + self.checks.map { "  " + $0.text } + [
                "  up to \(Double(self.clientsMost).short) clients, \(self.nodesMost) nodes;"
                    + " reconnects at most \(Double(self.reconnectsPeak).short)/s,"
                    + " refused at most \(Double(self.refusedPeak).short)/s, \(Double(self.refused).short) in all;"
                    + " without a connection: \(waited)",
                "  \(self.simulatedSeconds.short) s simulated in \(self.tookSeconds.short) s",
            ]
        return lines.joined(separator: "\n")
    }

    /// A row of a table in Markdown, with a link to the plot.
    var row: String {
        let shown = self.checks.map { "\($0.what): **\($0.value.short)** (\($0.bound))" }.joined(separator: "; ")
        let link = "[\(self.scenario)](simulation/\(self.scenario).svg)"
        return "| \(link) | \(self.summary) | \(shown) | \(self.holds ? "yes" : "**no**") |"
    }

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
