// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Testing

@testable import MartletSessions

/// Every order in which the steps of a shard and of those who bring invalidations can meet: none leaves a revoked
/// connection open, and none closes a valid one.
///
/// A step is what happens under one lock or on one thread without a gap. The shard goes through its program while one
/// or two others insert and post; whatever is posted is received in the end. Each rule of the order is then turned
/// round, and some order must fail, or the model could not tell.
@Suite struct RevocationModelTests {
    enum Step {
        /// A token is read, or the back-end asked: from here on the identity is known, or dated.
        case identify(Name)
        /// The back-end has answered.
        case answered
        case register, check, replace
        /// Mail is taken; with events that concern many connections, what it ends may be ended turns later.
        case receive, sweep
        // The other threads.
        case insert(Int), post(Int)
    }

    enum Name {
        case first, second
        /// Dated when the back-end was asked, or (which is wrong) when it answered.
        case asked, datedByAnswer
    }

    enum Event: CaseIterable {
        case session, user, token, claim
    }

    private struct Machine {
        let events: [Event]
        let table = RevocationTable(max: 10, tokenLifetimeMax: .seconds(600), wall: { 1_000 }, monotonic: { 1 })
        var time: Int64 = 100
        /// Who the connection will be, as it says and as it is.
        var pending = Identity(user: "")
        var truth = Identity(user: "")
        var current: Identity?
        var currentTruth: Identity?
        var isRejected = false
        var posted: [Invalidation] = []
        var sweeping: [Invalidation] = []
        var made: [Int: Invalidation] = [:]
        var inserted: [Invalidation] = []
        var closedValid = 0

        var isLeftOpen: Bool {
            guard let current = self.currentTruth else { return false }
            return self.inserted.contains { $0.matches(current) }
        }

        mutating func perform(_ step: Step) {
            self.time += 1
            switch step {
            case .identify(let name): self.identify(name)
            case .answered: if self.pending.session == "late" { self.pending = self.identity("late", self.time) }
            case .register:
                self.current = self.isRejected ? nil : self.pending
                self.currentTruth = self.current == nil ? nil : self.truth
            case .replace:
                guard self.current != nil else { return }
                self.current = self.pending
                self.currentTruth = self.truth
            case .check:
                guard self.table.verdict(for: self.pending) != .clear else { return }
                self.isRejected = true
                self.close()
            case .receive:
                self.sweeping += self.posted
                self.posted = []
            case .sweep:
                for event in self.sweeping where self.current.map(event.matches) ?? false { self.close() }
                self.sweeping = []
            case .insert(let number):
                let event = self.event(number)
                _ = self.table.insert(event, receivedAt: 1_000)
                self.inserted.append(event)
            case .post(let number): self.posted.append(self.event(number))
            }
        }

        private mutating func close() {
            if let truth = self.currentTruth, !(self.inserted + self.sweeping).contains(where: { $0.matches(truth) }) {
                self.closedValid += 1
            }
            self.current = nil
            self.currentTruth = nil
        }

        private mutating func identify(_ name: Name) {
            self.isRejected = false
            self.truth =
                switch name {
                case .first: self.identity("first", 50)
                case .second: self.identity("second", 60)
                case .asked: self.identity("asked", self.time)
                case .datedByAnswer: self.identity("late", self.time)
                }
            self.pending = self.truth
        }

        private func identity(_ session: String, _ issuedAt: Int64) -> Identity {
            Identity(
                user: "u", session: session, token: session == "first" ? "t1" : "t2", issuedAt: issuedAt,
                claims: session == "first" ? [] : [.init(name: "org", value: "o")])
        }

        /// Dated when it first comes up.
        private mutating func event(_ number: Int) -> Invalidation {
            if let event = self.made[number] { return event }
            let target: Invalidation.Target =
                switch self.events[number] {
                case .session: .session("second")
                case .user: .user("u", before: self.time)
                case .token: .token("t2")
                case .claim: .claim(name: "org", value: "o", before: self.time)
                }
            let event = Invalidation(id: "", target: target, at: Double(self.time), source: .kafka)
            self.made[number] = event
            return event
        }
    }

    private struct Outcome {
        var orders = 0
        var leftOpen = 0
        var closedValid = 0
    }

    /// All ways to merge the programs, each kept in its own order.
    private static func run(_ events: [Event], _ programs: [[Step]]) -> Outcome {
        var outcome = Outcome()
        var order: [Step] = []
        func merge(_ cursors: [Int]) {
            var isEnd = true
            for (index, cursor) in cursors.enumerated() where cursor < programs[index].count {
                isEnd = false
                order.append(programs[index][cursor])
                var next = cursors
                next[index] += 1
                merge(next)
                order.removeLast()
            }
            guard isEnd else { return }
            var machine = Machine(events: events)
            for step in order + [.receive, .sweep] { machine.perform(step) }
            outcome.orders += 1
            outcome.leftOpen += machine.isLeftOpen ? 1 : 0
            outcome.closedValid += machine.closedValid
        }
        merge(programs.map { _ in 0 })
        return outcome
    }

    private static let connect: [Step] = [.identify(.second), .register, .check]

    /// What a shard does with a connection. Mail comes wherever the thread can turn to it, and in between as well,
    /// where it cannot: that must do no harm either.
    private static let programs: [String: [Step]] = [
        "connect": [.receive, .sweep] + connect + [.receive, .sweep],
        "connect, with mail between": [.identify(.second), .register, .receive, .sweep, .check],
        "connect after waiting": [
            .identify(.second), .receive, .sweep, .answered, .register, .check, .receive, .sweep,
        ],
        "connect by the back-end": [.identify(.asked), .receive, .sweep, .answered, .register, .check, .receive],
        "refresh": [.identify(.first), .register, .check, .receive, .identify(.second), .replace, .check, .sweep],
        "refresh, with mail between": [
            .identify(.first), .register, .check, .identify(.second), .replace, .receive, .sweep, .check,
        ],
        "refresh by the back-end": [
            .identify(.first), .register, .check, .identify(.asked), .receive, .sweep, .answered, .replace, .check,
        ],
        "reconnect": connect + [.receive, .sweep] + connect,
        "reconnect within a sweep": connect + [.receive] + connect + [.sweep],
    ]

    @Test(arguments: programs.keys.sorted(), Event.allCases)
    func noOrderFails(_ name: String, _ event: Event) {
        let program = Self.programs[name] ?? []
        let outcome = Self.run([event], [program, [.insert(0), .post(0)]])
        #expect(outcome.orders == (program.count + 2) * (program.count + 1) / 2)
        #expect(outcome.leftOpen == 0 && outcome.closedValid == 0)
        // The same event twice, as a topic may bring it.
        let twice = Self.run([event], [program, [.insert(0), .post(0), .insert(0), .post(0)]])
        #expect(twice.leftOpen == 0 && twice.closedValid == 0)
    }

    @Test(arguments: programs.keys.sorted())
    func twoSourcesDoNotDisturbEachOther(_ name: String) {
        let sources: [[Step]] = [[.insert(0), .post(0)], [.insert(1), .post(1)]]
        let outcome = Self.run([.session, .user], [Self.programs[name] ?? []] + sources)
        #expect(outcome.orders > 500 && outcome.leftOpen == 0 && outcome.closedValid == 0)
    }

    /// The other way round, each rule by itself leaves a revoked connection open in some order.
    @Test func eachRuleIsNeeded() {
        let inOrder: [Step] = [.insert(0), .post(0)]
        let checkedFirst: [Step] = [.identify(.second), .check, .receive, .sweep, .register]
        #expect(Self.run([.session], [checkedFirst, inOrder]).leftOpen > 0)
        let checkedBeforeReplacing: [Step] =
            [.identify(.first), .register, .check, .identify(.second), .check, .receive, .sweep, .replace]
        #expect(Self.run([.session], [checkedBeforeReplacing, inOrder]).leftOpen > 0)
        let neverChecked: [Step] = [.receive, .sweep, .identify(.second), .register]
        #expect(Self.run([.session], [neverChecked, inOrder]).leftOpen > 0)
        for name in ["connect", "reconnect", "connect after waiting"] {
            #expect(Self.run([.session], [Self.programs[name] ?? [], [.post(0), .insert(0)]]).leftOpen > 0, "\(name)")
        }
        #expect(Self.run([.session], [Self.programs["connect"] ?? [], [.insert(0)]]).leftOpen > 0)
        // What the back-end said dates from when it was asked: it may not have known what came meanwhile.
        let late: [Step] = [.identify(.datedByAnswer), .receive, .sweep, .answered, .register, .check]
        #expect(Self.run([.user], [late, inOrder]).leftOpen > 0)
    }
}
