// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

/// What `run` starts: not for people.
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "worker", shouldDisplay: false)

    func run() throws {
        // An interrupt is for the run, which then ends its workers in order.
        signal(SIGINT, SIG_IGN)
        try Worker().run()
    }
}
