// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import MartletProtocol

struct DrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Send all connections of a node to the others, without ending it.",
        discussion: """
            The node becomes unready, gives the balancer drain.delay to notice, and then ends its connections evenly \
            over drain.window, each told when to come back. It stays, empty, until it is ended or --undo takes the \
            drain back. Exit codes: 0 done (with --wait: the last connection is gone); 1 with --wait: some were left \
            after --timeout, or somebody took the drain back; 65 no such node; 69 the node cannot be reached; 77 it \
            refused the API key.
            """)

    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The node, by id (the beginning is enough), name or address; else the one that is asked.")
    var node = ""

    @Flag(help: "Take a drain back: the node becomes ready again and keeps whom it has.")
    var undo = false

    @Flag(help: "Wait until the last connection is gone, and tell how it goes.")
    var wait = false

    @Option(help: ArgumentHelp("With --wait: how long at most.", valueName: "seconds"))
    var timeout = 600.0

    func validate() throws {
        if self.undo, self.wait { throw ValidationError("--wait does not go with --undo") }
        guard self.timeout > 0, self.timeout <= 1e6 else {
            throw ValidationError("--timeout is a number of seconds above 0")
        }
    }

    func run() async throws {
        try await self.output.reporting {
            var status = try await self.ask(.init(node: self.node, undo: self.undo))
            guard self.wait else { return self.tell(status) }
            let end = ContinuousClock.now + .seconds(self.timeout)
            while status.connections > 0 || status.phase != .drained {
                guard status.phase != .none else {
                    throw Failure(
                        .failed,
                        "the drain of \(status.name) was taken back: \(status.connections) connections are left",
                        advice: "Somebody said martlet drain --undo; to drain the node anew, repeat the command.")
                }
                guard ContinuousClock.now < end else {
                    throw Failure(
                        .failed, "\(status.connections) connections are left after \(Int(self.timeout)) seconds",
                        advice: "Look again with martlet status; drain.window says how long a drain takes.")
                }
                if !self.output.json { self.tell(status) }
                try await Task.sleep(for: .seconds(1))
                // Always the same node; and only looking, so that whoever takes the drain back has his way.
                status = try await self.ask(.init(node: status.node, look: true))
            }
            self.tell(status)
        }
    }

    private func ask(_ request: APIRequest.Drain) async throws -> DrainStatus {
        let answer = try await self.api.call("drain", request.json)
        guard let status = DrainStatus(answer.span) else {
            throw Failure(.unavailable, "the node tells of its drain in a way that this version does not understand")
        }
        return status
    }

    private func tell(_ status: DrainStatus) {
        if self.output.json { return print(String(decoding: status.json, as: UTF8.self)) }
        let node = "\(status.name) (\(status.node.prefix(8)))"
        let left = "\(status.connections) of \(status.connectionsAtStart) connections left"
        let seconds = "\(Int(status.secondsLeft.rounded(.up))) s to go"
        switch status.phase {
        case .none: print("\(node) does not drain; \(status.connections) connections.")
        case .waiting: print("\(node) waits for the balancer: \(status.connections) connections, \(seconds).")
        case .ending: print("\(node) drains: \(left), \(seconds).")
        case .drained: print("\(node) has drained: \(left).")
        }
    }
}
