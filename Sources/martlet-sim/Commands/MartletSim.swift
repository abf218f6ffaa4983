// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The command.
@main
struct MartletSim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet-sim",
        abstract: "Runs the policies of a cluster in simulation, and judges what comes of it.",
        subcommands: [ListCommand.self, RunCommand.self, BoundsCommand.self])
}
