// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletCore
import MartletHub
import MartletInstruments
import MartletPolicy
import MartletProtocol
import Synchronization

/// The nodes of a cluster, as one of them sees it: who there is, and questions to all of them.
///
/// Every node announces itself every two seconds, and says goodbye at its end. A question goes to all; each answers to
/// the asker alone, which waits for every member it knows of, for a bounded time, and says which did not answer. The
/// question must also come back to the asker itself: that proves that the bus carries, and carries back.
final class Cluster: Sendable {
    struct Timing: Sendable {
        var announceInterval = MemberMemory.announceInterval
        /// Time that the others have to greet a node that just came.
        var settleTime: Duration = .milliseconds(300)
        /// How long answers are waited for.
        var answerTime: Duration = .seconds(2)
    }

    /// Questions of other nodes that are worked on at the same time.
    private static let questionsMax = 1_024

    private struct Delegate: Sendable {
        weak var node: (any ClusterDelegate)?
    }

    private enum Settling: Equatable, Sendable {
        /// Nobody has been told that this node is there.
        case unknown
        /// It has told, at this time in monotonic nanoseconds.
        case told(Int64)
        /// It has said goodbye.
        case gone
    }

    let id: String
    let membership = Membership()
    private let timing: Timing
    private let bus: any Bus
    private let rounds: SurveyRounds
    private let delegate = Mutex(Delegate())
    private let settling = Mutex(Settling.unknown)
    private let greetings = Mutex(Greetings())
    private let questions = Atomic<Int>(0)
    /// Names that were told to be those of several nodes.
    private let namesakes = Mutex<[String]>([])
    private let logger: Logger
    private let surveys: Counter
    private let incomplete: Counter

    init(id: String, bus: any Bus, timing: Timing = Timing(), metrics: MetricsRegistry, logger: Logger) {
        self.id = id
        self.logger = logger
        self.bus = bus
        self.timing = timing
        self.rounds = SurveyRounds(node: id)
        self.surveys = metrics.counter("martlet_surveys_total", "Questions that this node asked all nodes.")
        self.incomplete = metrics.counter(
            "martlet_surveys_incomplete_total", "Questions to which a node that was known gave no answer.")
        metrics.reader("martlet_cluster_members", .gauge, "Nodes that this node knows of, itself among them.") {
            [membership] in Double(membership.seen().count)
        }
    }

    /// Says whose the cluster is. The node is not retained.
    func attach(_ node: any ClusterDelegate) { self.delegate.withLock { $0.node = node } }

    private var node: (any ClusterDelegate)? { self.delegate.withLock { $0.node } }

    /// This node, as it announces itself.
    var own: ClusterMember? { self.node?.member }

    /// Whether those who were there before have had the time to say so.
    private var isSettled: Bool {
        guard case .told(let time) = self.settling.withLock({ $0 }) else { return false }
        return Clock.monotonic - time >= Int64(self.timing.settleTime.inSeconds * 1_000_000_000)
    }

    // MARK: - Announcements

    /// Announces the node until the task is cancelled, then says goodbye.
    func run() async {
        while !Task.isCancelled {
            self.announce()
            self.warnOfNamesakes()
            // Until the others are known, as soon as the bus carries.
            let pause = self.settling.withLock { $0 } == .unknown ? .milliseconds(100) : self.timing.announceInterval
            try? await Task.sleep(for: min(pause, self.timing.announceInterval))
        }
        await self.sayGoodbye()
    }

    private func announce() {
        guard let member = self.node?.member else { return }
        let isHello = self.settling.withLock { $0 } == .unknown
        self.bus.broadcast(ControlMessage.announcement(member, isHello: isHello).json) { [weak self] error in
            self?.settling.withLock { settling in
                if settling == .gone { return }
                if error != nil {
                    settling = .unknown
                } else if settling == .unknown {
                    settling = .told(Clock.monotonic)
                }
            }
        }
    }

    /// Once of each name, while it lasts.
    private func warnOfNamesakes() {
        let names = self.membership.namesakes()
        let new = self.namesakes.withLock { known in
            defer { known = names }
            return names.filter { !known.contains($0) }
        }
        for name in new {
            self.logger.warning(
                "several nodes have the same name; give each its own, by node.name (MARTLET_NODE_NAME) or its host's",
                metadata: ["name": "\(name)"])
        }
    }

    private func sayGoodbye() async {
        self.settling.withLock { $0 = .gone }
        await withCheckedContinuation { continuation in
            self.bus.broadcast(ControlMessage.goodbye(self.id).json) { _ in continuation.resume() }
        }
    }

    // MARK: - Questions

    /// Asks all nodes; each does it, and tells what came of it.
    /// - Parameter time: How long answers are waited for, where not as long as usual.
    func ask(_ method: String, _ body: [UInt8], within time: Duration? = nil) async throws(APIError) -> SurveyOutcome {
        for _ in 0..<50 where !self.isSettled { try? await Task.sleep(for: .milliseconds(20)) }
        var members = self.membership.seen().map(\.member)
        // This node's own announcement may not have come back yet.
        if let own = self.own, !members.contains(where: { $0.id == own.id }) { members.append(own) }
        guard let number = self.rounds.begin(expecting: members) else { throw APIError(.tooManyRequests) }
        self.surveys.add()
        let question = SurveyQuestion(number: number, asker: self.id, method: method, body: body)
        // Not a child: where this node itself is stuck the others' answers are given all the same.
        Task { self.rounds.answered(await self.answer(question)) }
        let rounds = self.rounds
        self.bus.broadcast(ControlMessage.question(question).json) { error in
            if let error { rounds.failed(number, "\(error)") }
        }
        let answerTime = min(time ?? self.timing.answerTime, self.timing.answerTime)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await rounds.wait(number) }
            group.addTask {
                try? await Task.sleep(for: answerTime)
                rounds.close(number)
            }
            await group.next()
            group.cancelAll()
        }
        var outcome = rounds.end(number, silence: "no answer within \(answerTime)")
        if members.count >= MemberMemory.membersMax, !outcome.unanswered.contains(where: { $0.node.isEmpty }) {
            let why = "there are as many nodes as one remembers, or more"
            outcome.unanswered.append(.init(node: "", name: "other nodes", reason: why))
        }
        if !outcome.unanswered.isEmpty { self.incomplete.add() }
        return outcome
    }

    private func answer(_ question: SurveyQuestion) async -> SurveyAnswer {
        let name = self.node?.member.name ?? ""
        let outcome: SurveyAnswer.Outcome
        do throws(APIError) {
            guard let node = self.node else { throw APIError(.notAvailable) }
            outcome = .done(try await node.answer(question.method, question.body))
        } catch {
            outcome = .failed(error.message)
        }
        return SurveyAnswer(number: question.number, node: self.id, name: name, outcome: outcome)
    }

    /// Whether the others cannot be seen, because the bus does not carry.
    var isCutOff: Bool { self.bus.health != .healthy }

    // MARK: - What comes over the bus

    func received(_ member: ClusterMember, isHello: Bool) {
        // Who greets after a moment without the bus is known, and so knows this node.
        let isKnown = self.membership.knows(member.id)
        self.membership.heard(member)
        guard isHello, !isKnown, member.id != self.id else { return }
        switch self.greetings.withLock({ $0.came(at: Clock.monotonic) }) {
        case .alone: self.greet(member.id)
        case .together:
            // Unstructured, because the bus's thread cannot wait; one at a time.
            Task {
                try? await Task.sleep(for: Greetings.gatherTime)
                self.greetings.withLock { $0.gathered() }
                self.greet(nil)
            }
        case .none: break
        }
    }

    /// - Parameter id: Nil for all.
    private func greet(_ id: String?) {
        // Who has said goodbye greets nobody, or would count as there again.
        guard let own = self.node?.member, self.settling.withLock({ $0 }) != .gone else { return }
        let greeting = ControlMessage.announcement(own, isHello: false).json
        if let id {
            self.bus.send(greeting, to: id) { _ in }
        } else {
            self.bus.broadcast(greeting) { _ in }
        }
    }

    func receivedGoodbye(of id: String) {
        self.membership.left(id)
        self.rounds.left(id)
    }

    func received(_ question: SurveyQuestion) {
        if question.asker == self.id { return self.rounds.echoed(question.number) }
        guard self.questions.add(1, ordering: .relaxed).newValue <= Self.questionsMax else {
            self.questions.subtract(1, ordering: .relaxed)
            // The asker hears nothing, and says so.
            return
        }
        // Unstructured, because the bus's thread cannot wait; bounded by the count.
        Task {
            let answer = await self.answer(question)
            self.questions.subtract(1, ordering: .relaxed)
            self.bus.send(ControlMessage.answer(answer).json, to: question.asker) { _ in }
        }
    }

    func received(_ answer: SurveyAnswer) { self.rounds.answered(answer) }
}

extension Cluster {
    func ask(_ method: APIMethod, _ body: [UInt8]) async throws(APIError) -> SurveyOutcome {
        try await self.ask(method.rawValue, body)
    }
}
