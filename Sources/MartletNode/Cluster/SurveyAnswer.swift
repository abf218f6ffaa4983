// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol

/// What one node answers.
struct SurveyAnswer: Equatable, Sendable {
    /// What came of it there.
    enum Outcome: Equatable, Sendable {
        case done(NodeAnswer)
        /// It was not done, or not in whole.
        case failed(String)
    }

    /// The question's.
    var number: UInt64
    /// Who answers.
    var node: String
    var name: String
    var outcome: Outcome

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("number", self.number)
        writer.member("node", self.node)
        writer.member("name", self.name)
        switch self.outcome {
        case .done(let answer):
            writer.member("count", Int64(answer.count))
            writer.member("body", ifAny: answer.body)
        case .failed(let why): writer.member("failure", why)
        }
        writer.endObject()
    }

    init(number: UInt64, node: String, name: String, outcome: Outcome) {
        self.number = number
        self.node = node
        self.name = name
        self.outcome = outcome
    }

    init?(_ value: JSONValue, _ bytes: Span<UInt8>) {
        guard value.kind == .object else { return nil }
        (self.number, self.node, self.name) = (0, "", "")
        var answer = NodeAnswer()
        // Small enough to be added up.
        var count: UInt32?
        var failure: String?
        var members = value.members
        while let member = members.next(in: bytes) {
            switch member.name(in: bytes) {
            case "number": self.number = member.value.uint64(in: bytes) ?? 0
            case "node": self.node = member.value.string(in: bytes) ?? ""
            case "name": self.name = member.value.string(in: bytes) ?? ""
            case "count": count = member.value.uint64(in: bytes).flatMap(UInt32.init(exactly:))
            case "body": answer.body = member.value.raw(in: bytes)
            case "failure": failure = member.value.string(in: bytes)
            default: break
            }
        }
        answer.count = Int(count ?? 0)
        self.outcome = failure.map(Outcome.failed) ?? .done(answer)
        if self.node.isEmpty || (count == nil && failure == nil) { return nil }
    }
}
