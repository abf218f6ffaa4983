// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import MartletProtocol

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Tell what every node knows of a session, a user or a token, and whether it would let it in.",
        discussion: """
            For each node: the verdict and why; the open connections; the revocations that name it, with their event, \
            source and time; how it stands with the authority that sessions are validated with; and the floor, up to \
            which revocations were dropped for lack of room. Exit code 69 where a node did not answer.
            """)

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case session, user, token
    }

    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "What is asked about: session (sid), user (sub) or token (jti).")
    var kind: Kind

    @Argument(help: "Its id.")
    var id: String

    func run() async throws {
        try await self.output.reporting {
            var body = JSONWriter()
            body.beginObject()
            body.member(self.kind.rawValue, self.id)
            body.endObject()
            let result = try await self.api.call("explain", body.bytes)
            let answer = try Answer.decode(result)
            print(self.output.json ? String(decoding: result, as: UTF8.self) : self.text(answer))
            if let unanswered = answer.unanswered {
                throw Failure(
                    .unavailable, unanswered.map { "\($0.name) did not answer: \($0.reason)" }.joined(separator: "; "))
            }
        }
    }

    // MARK: - For people

    private func text(_ answer: Answer) -> String {
        var lines: [String] = []
        for node in answer.nodes {
            lines.append("\(node.name): \(node.verdict), because \(node.because)")
            lines += node.revocations.map { "  revocation: \(Self.text($0))" }
            lines += node.validations.map { "  validation: \(Self.text($0))" }
            if let floor = node.floor {
                lines.append("  floor: tokens issued until \(TimeText.string(floor)) are validated")
            }
            if node.numConnections == 0 { lines.append("  no connection") }
            let rows = node.connections.map { connection in
                [
                    connection.client, "\(connection.transport)/\(connection.protocol)", connection.user,
                    connection.session ?? "-", connection.token ?? "-",
                    connection.issuedAt.map { TimeText.string(Double($0)) } ?? "-",
                ]
            }
            if !rows.isEmpty {
                let header = ["CLIENT", "TRANSPORT", "USER", "SESSION", "TOKEN", "ISSUED"]
                lines += TextTable.lines([header] + rows).map { "  \($0)" }
            }
            let more = node.numConnections - node.connections.count
            if more > 0 { lines.append("  and \(more) connections more") }
        }
        return lines.joined(separator: "\n")
    }

    private static func text(_ revocation: Answer.Revocation) -> String {
        var text = "\(revocation.target) \(revocation.value), \(revocation.closeReason)"
        if let before = revocation.before { text += ", tokens issued until \(TimeText.string(before))" }
        if let id = revocation.id, let at = revocation.at, let applied = revocation.appliedAt {
            text += ", event \(id) of \(TimeText.string(at)), applied \(TimeText.string(applied))"
            text += ", from \(revocation.source ?? "?")"
        } else {
            text += ", by an event too long ago to be named"
        }
        if let reason = revocation.reason { text += ", \"\(reason)\"" }
        return text + ", remembered for \(revocation.secondsLeft) s more"
    }

    private static func text(_ validation: Answer.Validation) -> String {
        let next = validation.nextIn.map { "asked again in \(Int($0)) s" } ?? "being asked"
        return "session \(validation.session) \(validation.answer), last good \(Int(validation.goodFor)) s ago, \(next)"
    }
}

extension ExplainCommand {
    struct Answer: Decodable {
        struct Connection: Decodable {
            let client, transport, `protocol`, user: String
            let session, token: String?
            let issuedAt, expiresAt: Int64?
        }

        struct Revocation: Decodable {
            let target, value, closeReason: String
            let before: Double?
            let secondsLeft: Int
            let id, receipt, source, reason: String?
            let at, appliedAt: Double?
        }

        struct Validation: Decodable {
            let session, answer: String
            let goodFor: Double
            let nextIn: Double?
        }

        struct Node: Decodable {
            let name, verdict, because: String
            let numConnections: Int
            let connections: [Connection]
            let validations: [Validation]
            let revocations: [Revocation]
            let floor: Double?
        }

        struct Unanswered: Decodable {
            let name, reason: String
        }

        let nodes: [Node]
        let unanswered: [Unanswered]?

        static func decode(_ result: [UInt8]) throws -> Answer {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try decoder.decode(Answer.self, from: Data(result))
        }
    }
}
