// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import MartletProtocol

struct RevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "End a session, a user's sessions, a token, or all sessions with a claim value.",
        discussion: """
            Their connections are closed on every node, and their tokens are refused until they expire. The answer \
            comes when the log of events has it; with --wait, when every node has applied it, with how many \
            connections each closed. Exit code 69 where a node did not, which is then named.
            """)

    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "A session (sid).")
    var session: String?

    @Option(help: "A user (sub): every token issued up to now, or up to --before.")
    var user: String?

    @Option(help: "A token (jti).")
    var token: String?

    @Option(help: ArgumentHelp("A claim that sessions.indexed_claims lists.", valueName: "name=value"))
    var claim: ConfigurationOptions.Setting?

    @Option(
        help: ArgumentHelp(
            "With --user and --claim: the latest time of issue that is ended, RFC 3339 or seconds.", valueName: "time"))
    var before: String?

    @Option(help: "Why, for logs and audit.")
    var reason: String?

    @Flag(
        help: "Wait until every node has applied it, and print node by node when, and how many connections it closed.")
    var wait = false

    @Option(help: ArgumentHelp("How long --wait waits.", valueName: "seconds"))
    var waitTimeout = 10.0

    func validate() throws {
        guard self.targets.count == 1 else {
            throw ValidationError("exactly one of --session, --user, --token and --claim is wanted")
        }
        guard self.waitTimeout >= 0, self.waitTimeout <= 3_600 else {
            throw ValidationError("--wait-timeout is a number of seconds from 0 to 3600")
        }
        if self.before != nil, self.user == nil, self.claim == nil {
            throw ValidationError("--before goes with --user or --claim only")
        }
    }

    func run() async throws {
        try await self.output.reporting {
            let result = try await self.api.call("revoke", self.body)
            let receipt = try JSONDecoder().decode(Receipt.self, from: Data(result))
            if !self.output.json { self.tell(receipt) }
            guard self.wait else {
                if self.output.json { print(String(decoding: result, as: UTF8.self)) }
                return
            }
            let status = try await ReceiptWait(
                api: self.api, receipt: receipt.receipt, timeout: .seconds(self.waitTimeout)
            ).run()
            print(self.output.json ? String(decoding: status.json, as: UTF8.self) : status.answer.table)
            let lacks = status.answer.nodes.compactMap(\.lack)
            if !lacks.isEmpty {
                throw Failure(
                    .unavailable, "not applied everywhere: \(lacks.joined(separator: "; "))",
                    advice: "It is revoked, and those nodes apply it when they can: ask again for /api/revocations/"
                        + receipt.receipt)
            }
        }
    }

    private func tell(_ receipt: Receipt) {
        print("Revoked. Event \(receipt.id)\(receipt.place).")
        if !receipt.durable {
            print("It is kept in the memory of running nodes only; with Kafka or Redis it would outlive them.")
        }
    }

    private struct Receipt: Decodable {
        let id: String
        let durable: Bool
        let receipt: String
        let topic: String?
        let partition: Int?
        let offset: Int64?

        var place: String {
            guard let topic, let partition, let offset else {
                return self.receipt == self.id ? "" : ", \(self.receipt)"
            }
            return ", \(topic) partition \(partition) offset \(offset)"
        }
    }

    private var targets: [String] { [self.session, self.user, self.token, self.claim?.key].compactMap { $0 } }

    private var body: [UInt8] {
        var body = JSONWriter()
        body.beginObject()
        body.member("session", ifAny: self.session)
        body.member("user", ifAny: self.user)
        body.member("token", ifAny: self.token)
        if let claim = self.claim {
            body.key("claim")
            body.beginObject()
            body.member("name", claim.key)
            body.member("value", claim.value)
            body.endObject()
        }
        if let before = self.before {
            if let seconds = Double(before) { body.member("before", seconds) } else { body.member("before", before) }
        }
        body.member("reason", ifAny: self.reason)
        body.endObject()
        return body.bytes
    }
}
