// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check a configuration, or print what there is to configure.",
        subcommands: [ConfigCheckCommand.self, ConfigReferenceCommand.self])
}
