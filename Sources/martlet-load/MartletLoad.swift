// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The command.
@main
struct MartletLoad: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet-load", abstract: "Holds many clients, keeps the books on what they get, and measures.",
        subcommands: [RunCommand.self, WorkerCommand.self], defaultSubcommand: RunCommand.self)
}
