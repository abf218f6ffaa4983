// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol

/// What came of a question to all nodes.
struct SurveyOutcome: Equatable, Sendable {
    /// Those who did it, by name.
    var answers: [SurveyAnswer] = []
    /// Those who may not have, with the reason.
    var unanswered: [NodeReach.Unanswered] = []

    var reach: NodeReach {
        NodeReach(
            nodes: self.answers.map { answer in
                NodeReach.Answered(node: answer.node, name: answer.name, count: Self.done(answer)?.count ?? 0)
            },
            unanswered: self.unanswered)
    }

    /// What each node told.
    var told: [(node: String, body: [UInt8])] {
        self.answers.compactMap { answer in Self.done(answer).map { (answer.node, $0.body) } }
    }

    private static func done(_ answer: SurveyAnswer) -> NodeAnswer? {
        if case .done(let done) = answer.outcome { done } else { nil }
    }
}
