// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `martlet-sim list`.
struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Name the scenarios.")

    func run() {
        for scenario in ScenarioCatalogue.all {
            let name = scenario.name.padding(to: 26)
            print("\(name)\(scenario.summary)")
        }
    }
}

extension String {
    /// With spaces behind it, up to this width.
    func padding(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - self.count)) }
}
