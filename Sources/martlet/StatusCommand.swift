// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the nodes of the cluster and what they hold.",
        discussion: """
            In a terminal the table is refreshed until Ctrl-C; where the output goes elsewhere, and with --once or \
            --json, it is printed once. Any node may be asked: each knows the others over Redis. Exit codes: 0 when a \
            node answered, 69 when none did, 77 when it refused the API key.
            """)

    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    @Flag(help: "Print the table once.")
    var once = false

    @Option(help: ArgumentHelp("How often the table is refreshed, from 0.5.", valueName: "seconds"))
    var interval = 2.0

    func validate() throws {
        guard self.interval >= 0.5, self.interval <= 3_600 else {
            throw ValidationError("--interval is a number of seconds from 0.5 to 3600")
        }
    }

    func run() async throws {
        try await self.output.reporting {
            let first = try await self.api.get("nodes")
            if self.output.json { return print(String(decoding: first, as: UTF8.self)) }
            let table = try NodesAnswer.read(first).table
            guard !self.once, isatty(STDOUT_FILENO) == 1 else { return print(table) }
            try await self.refresh(table)
        }
    }

    /// Draws the table over the last one. A node that does not answer for a while is waited for: it may be starting.
    private func refresh(_ first: String) async throws {
        var table = first
        while true {
            self.draw(table)
            try await Task.sleep(for: .seconds(self.interval))
            do {
                table = try NodesAnswer.read(try await self.api.get("nodes")).table
            } catch let failure as Failure where failure.code == .unavailable {
                table = "\(failure.message)\n\(failure.advice ?? "")"
            }
        }
    }

    private func draw(_ text: String) {
        // To the first line, each line erased before it is written, and what is below erased at the end.
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { "\u{1B}[2K\($0)\n" }
        FileHandle.standardOutput.write(Data(("\u{1B}[H" + lines.joined() + "\u{1B}[J").utf8))
    }
}
