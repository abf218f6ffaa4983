// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol
import Synchronization

/// The questions that this node waits for answers to.
final class SurveyRounds: Sendable {
    /// Questions under way at the same time.
    static let roundsMax = 1_024

    private struct Round {
        /// The members that must answer, by identifier.
        var expected: [String: ClusterMember]
        var answers: [String: SurveyAnswer] = [:]
        /// Whether the question came back to its asker: then it went to whoever listens, and the bus works both ways.
        var isEchoed = false
        /// Why the bus did not carry the question.
        var failure: String?
        var waiter: CheckedContinuation<Void, Never>?
        var isOver = false

        func isComplete(asker: String) -> Bool {
            if self.failure != nil { return self.answers[asker] != nil }
            return self.isEchoed && self.expected.keys.allSatisfy { self.answers[$0] != nil }
        }
    }

    private struct State {
        var next: UInt64 = 1
        var rounds: [UInt64: Round] = [:]
    }

    private let node: String
    private let state = Mutex(State())

    init(node: String) { self.node = node }

    /// The question's number; nil where too many are under way.
    func begin(expecting members: [ClusterMember]) -> UInt64? {
        self.state.withLock { state in
            guard state.rounds.count < Self.roundsMax else { return nil }
            let number = state.next
            state.next += 1
            let expected = Dictionary(members.map { ($0.id, $0) }) { first, _ in first }
            state.rounds[number] = Round(expected: expected)
            return number
        }
    }

    func answered(_ answer: SurveyAnswer) {
        self.change(answer.number) { round in
            if round.answers[answer.node] == nil { round.answers[answer.node] = answer }
        }
    }

    func echoed(_ number: UInt64) { self.change(number) { $0.isEchoed = true } }
    func failed(_ number: UInt64, _ why: String) { self.change(number) { $0.failure = why } }
    /// Nothing more is waited for.
    func close(_ number: UInt64) { self.change(number) { $0.isOver = true } }

    /// A member has ended, and with it what it could have been asked about.
    func left(_ id: String) {
        for number in self.state.withLock({ Array($0.rounds.keys) }) {
            self.change(number) { $0.expected[id] = nil }
        }
    }

    /// Returns when the round is complete or closed.
    func wait(_ number: UInt64) async {
        await withCheckedContinuation { continuation in
            let isOver = self.state.withLock { state in
                guard let round = state.rounds[number] else { return true }
                if round.isOver || round.isComplete(asker: self.node) { return true }
                state.rounds[number]?.waiter = continuation
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    /// Ends the round.
    /// - Parameter silence: What is said of those that did not answer.
    func end(_ number: UInt64, silence: String) -> SurveyOutcome {
        guard let round = self.state.withLock({ $0.rounds.removeValue(forKey: number) }) else { return SurveyOutcome() }
        var outcome = SurveyOutcome()
        for answer in round.answers.values.sorted(by: { ($0.name, $0.node) < ($1.name, $1.node) }) {
            switch answer.outcome {
            case .done: outcome.answers.append(answer)
            case .failed(let why):
                outcome.unanswered.append(.init(node: answer.node, name: answer.name, reason: why))
            }
        }
        let silent = round.expected.values.filter { round.answers[$0.id] == nil }
        for member in silent.sorted(by: { ($0.name, $0.id) < ($1.name, $1.id) }) {
            outcome.unanswered.append(.init(node: member.id, name: member.name, reason: round.failure ?? silence))
        }
        // Without the question's return nobody knows who else there is.
        if outcome.unanswered.isEmpty, !round.isEchoed {
            let why = round.failure ?? "the bus did not carry the question back"
            outcome.unanswered.append(.init(node: "", name: "other nodes", reason: why))
        }
        return outcome
    }

    private func change(_ number: UInt64, _ change: (inout Round) -> Void) {
        let waiter = self.state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard var round = state.rounds[number] else { return nil }
            change(&round)
            var waiter: CheckedContinuation<Void, Never>?
            if round.isOver || round.isComplete(asker: self.node) {
                waiter = round.waiter
                round.waiter = nil
            }
            state.rounds[number] = round
            return waiter
        }
        waiter?.resume()
    }
}
