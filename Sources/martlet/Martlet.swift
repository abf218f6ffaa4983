// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MartletCore

@main
struct Martlet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "The edge of a real-time platform: holds connections, delivers messages, ends sessions.",
        discussion: """
            Exit codes: 0 done; 1 failed; 64 the command line is wrong; 65 the node refused what it was given; \
            69 the node or what it needs cannot be reached; 77 the API key is missing or wrong; 78 the configuration \
            is wrong. Errors go to standard error, with what to do.
            """,
        version: Version.current,
        subcommands: [
            ServeCommand.self, StatusCommand.self, DrainCommand.self, ConfigCommand.self, TokenCommand.self,
            PublishCommand.self, RevokeCommand.self, ExplainCommand.self,
            VersionCommand.self,
        ])
}
