// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import MartletProtocol

struct RevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "End a session, a user's sessions, a token, or all sessions with a claim value.",
        discussion: "Their connections are closed on every node, and their tokens are refused until they expire.")

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

    func validate() throws {
        guard self.targets.count == 1 else {
            throw ValidationError("exactly one of --session, --user, --token and --claim is wanted")
        }
        if self.before != nil, self.user == nil, self.claim == nil {
            throw ValidationError("--before goes with --user or --claim only")
        }
    }

    func run() async throws {
        try await self.output.reporting {
            let result = try await self.api.call("revoke", self.body)
            let text = String(decoding: result, as: UTF8.self)
            guard !self.output.json else { return print(text) }
            let receipt = try JSONDecoder().decode(Receipt.self, from: Data(result))
            print("Revoked. Event \(receipt.id)\(receipt.place).")
            if !receipt.durable {
                print("It is kept in the memory of running nodes only; with Kafka it would outlive them.")
            }
        }
    }

    private struct Receipt: Decodable {
        let id: String
        let durable: Bool
        let topic: String?
        let partition: Int?
        let offset: Int64?

        var place: String {
            guard let topic, let partition, let offset else { return "" }
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
