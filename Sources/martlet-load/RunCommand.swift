// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Dispatch
import Foundation
import MartletCore
import MartletReactor

/// Connects, publishes, measures, and ends with a report.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run clients against a node or a balancer.",
        discussion: """
            The report is one line of JSON on standard output and a table on standard error. The exit code is 1 when a \
            message was lost, came twice or out of order.
            """)

    @Option(help: "Where clients connect, host:port.") var target = "127.0.0.1:8000"
    @Option(help: "How clients talk.") var kind = ClientKind.jsonRPC
    @Option(help: "How many clients.") var clients = 100
    @Option(help: "Connects a second.") var rate = 2_000.0
    @Option(help: "Each client subscribes to one of this many channels.") var channels = 1_000
    @Option(help: "What channels' names begin with.") var channelPrefix = "load-"
    @Option(help: "How many users the clients are; else each is its own.") var users: Int?
    @Option(help: "HMAC secret to sign tokens with; without it clients bring none.") var secret: String?
    @Option(help: "A claim of every token's, name=value in letters, digits, _ and -.") var claim: String?
    @Option(help: "Seconds that tokens live.") var tokenLifetime = 3_600
    @Option(help: "Local addresses from 127.0.0.2 on, when the target is on loopback.") var sources = 8
    @Option(help: "Processes that hold clients; else as many as the descriptor limit asks for.") var processes: Int?
    @Option(help: "Threads in each of them.") var threads = 1
    @Option(help: "Seconds to go on, once all clients are there.") var duration = 10.0
    @Option(help: "Seconds of quiet before the server is sampled.") var settle = 2.0
    @Option(help: "Counts of clients to stop at for a sample, separated by commas.") var checkpoints = ""
    @Option(help: "Process id of the server, to sample its CPU time and memory.") var serverPid: Int?

    @Option(help: "The node's internal listener, to publish or revoke.") var api = "127.0.0.1:9000"
    @Option(help: "The API key.") var apiKey: String?
    @Option(help: "Connections to the API.") var apiConnections = 4
    @Option(help: "Messages to publish a second, in all.") var publishRate = 0.0
    @Option(help: "Bytes of a message.") var payload = 128
    @Option(help: "Users to revoke while all are there.") var revoke = 0
    @Option(help: "Users to revoke a second.") var revokeRate = 20.0
    @Option(help: "File for a line about each client that was closed: user, time, reason.") var closesFile: String?
    @Flag(help: "No progress line.") var quiet = false

    func validate() throws {
        guard self.clients > 0, self.channels > 0, self.rate > 0, self.threads > 0, self.processes ?? 1 > 0 else {
            throw ValidationError("Clients, channels, rate, threads and processes are numbers above zero.")
        }
        guard (1...1_000_000).contains(self.payload) else {
            throw ValidationError("A payload has from 1 to 1,000,000 bytes.")
        }
        guard self.sources >= 0, self.users ?? 1 > 0 else {
            throw ValidationError("Sources and users are not negative.")
        }
        guard self.claim.map({ $0.wholeMatch(of: /[\w-]+=[\w-]+/) != nil }) ?? true else {
            throw ValidationError("A claim is name=value in letters, digits, _ and -.")
        }
        guard self.duration >= 0, self.duration <= 86_400, self.settle >= 0 else {
            throw ValidationError("A run lasts a day at most.")
        }
    }

    func run() throws {
        let interruption = Interruption()
        let run = try LoadRun(self.plan(), interruption: interruption)
        signal(SIGINT, SIG_IGN)
        let interrupt = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        interrupt.setEventHandler { interruption.come() }
        interrupt.resume()
        let report = try run.run()
        try? FileHandle.standardError.write(contentsOf: Data(report.table.utf8))
        print(report.json)
        if !report.isBalanced || report.opened == 0 { throw ExitCode.failure }
    }

    private func plan() throws -> LoadPlan {
        let limit = DescriptorLimit.raise()
        let target = try Self.address(self.target)
        let publishes = self.publishRate > 0
        let api =
            publishes || self.revoke > 0
            ? APIPlan(
                address: try Self.address(self.api), key: self.apiKey, connections: self.apiConnections,
                channels: self.channels, channelPrefix: self.channelPrefix, publishRate: self.publishRate,
                payloadBytes: self.payload, revocations: self.revoke, revokeRate: self.revokeRate) : nil
        let plan = ClientPlan(
            target: target.description, kind: self.kind, count: self.clients, rate: self.rate, channels: self.channels,
            channelPrefix: self.channelPrefix, users: self.users, secret: self.secret, claim: self.claim,
            // A minute ago, so that a revocation of this second covers it.
            tokenIssuedAt: Int64(Clock.wall) - 60, tokenLifetime: Int64(self.tokenLifetime),
            sourceAddresses: target.address.isLoopback && target.address.v4 != nil ? self.sources : 0,
            startsAtOne: publishes)
        return LoadPlan(
            clients: plan, api: api, processes: self.processes ?? (self.clients / max(1, limit - 64) + 1),
            threads: self.threads, checkpoints: try self.checkpointCounts(), settle: self.settle,
            duration: self.duration, server: self.serverPid, closesFile: self.closesFile, isQuiet: self.quiet)
    }

    private func checkpointCounts() throws -> [Int] {
        try self.checkpoints.split(separator: ",").map { text in
            guard let count = Int(text), count > 0 else { throw ValidationError("\(text) is not a count of clients.") }
            return count
        }.sorted()
    }

    private static func address(_ text: String) throws -> SocketAddress {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw ValidationError("\(text) is not host:port.")
        }
        return try SocketAddress.resolve(host: String(text[..<colon]), port: port)
    }
}
