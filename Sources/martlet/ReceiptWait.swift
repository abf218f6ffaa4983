// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletProtocol

/// Asks for a revocation's receipt until every node has applied it and closed what it ends, or the time is over.
struct ReceiptWait {
    private static let pause: Duration = .milliseconds(100)

    let api: APIOptions
    let receipt: String
    let timeout: Duration

    /// The last answer, as it came.
    func run() async throws -> (answer: Answer, json: [UInt8]) {
        let deadline = ContinuousClock.now + self.timeout
        var body = JSONWriter()
        body.beginObject()
        body.member("id", self.receipt)
        body.endObject()
        while true {
            let json = try await self.api.call("revocations", body.bytes)
            let answer = try Answer.decode(json)
            if answer.isDone || ContinuousClock.now >= deadline { return (answer, json) }
            try await Task.sleep(for: Self.pause)
        }
    }
}

extension ReceiptWait {
    struct Answer: Decodable {
        struct Node: Decodable {
            let name, state: String
            let appliedAt: Double?
            let closesQueued, closesDone: Int?
            let reason: String?

            var isDone: Bool {
                (self.state == "applied" || self.state == "replayed") && self.closesDone == self.closesQueued
            }

            /// What is missing; nil where nothing is.
            var lack: String? {
                if self.isDone { return nil }
                switch self.state {
                case "unknown": return "\(self.name) did not answer (\(self.reason ?? "no reason"))"
                case "applied": return "\(self.name) still closes connections"
                default: return "\(self.name) has not applied it (\(self.state))"
                }
            }

            fileprivate var row: [String] {
                let closed = self.closesQueued.map { "\(self.closesDone ?? 0) of \($0)" } ?? "-"
                return [self.name, self.state, self.appliedAt.map(TimeText.string) ?? "-", self.reason ?? closed]
            }
        }

        let applied: Bool
        let nodes: [Node]

        var isDone: Bool { self.applied && self.nodes.allSatisfy(\.isDone) }

        var table: String {
            TextTable.lines([["NODE", "STATE", "APPLIED", "CLOSED"]] + self.nodes.map(\.row)).joined(separator: "\n")
        }

        static func decode(_ result: [UInt8]) throws -> Answer {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try decoder.decode(Answer.self, from: Data(result))
        }
    }
}
