// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore
import Synchronization
import Testing

@testable import MartletSessions

/// Register-then-check on one side, insert-then-close on the other: no order may leave a revoked connection open.
@Suite struct RevocationRaceTests {
    // MARK: Every order of the small machine

    private enum Step: CaseIterable {
        case register, check, receive, insert, post
    }

    /// A shard with one connection, its mailbox, and the table.
    private struct Machine {
        let table = RevocationTable(max: 10, tokenLifetimeMax: .seconds(60))
        let identity = Identity(user: "u", session: "s", issuedAt: 1)
        let event = Invalidation(id: "", target: .session("s"), at: Clock.wall, source: .api)
        var isOpen = false
        var mail: [Invalidation] = []
        /// What a connection that is admitted only after its check holds meanwhile.
        var verdict = RevocationVerdict.clear

        mutating func perform(_ step: Step) {
            switch step {
            case .register: self.isOpen = true
            case .check:
                self.verdict = self.table.verdict(for: self.identity)
                if self.verdict != .clear { self.isOpen = false }
            case .receive:
                for event in self.mail where event.matches(self.identity) { self.isOpen = false }
                self.mail = []
            case .insert: _ = self.table.insert(self.event, receivedAt: Clock.wall)
            case .post: self.mail.append(self.event)
            }
        }
    }

    /// All ways to merge two sequences, each kept in its own order.
    private static func merges(_ first: [Step], _ second: [Step]) -> [[Step]] {
        guard let head = first.first else { return [second] }
        guard let other = second.first else { return [first] }
        return Self.merges(Array(first.dropFirst()), second).map { [head] + $0 }
            + Self.merges(first, Array(second.dropFirst())).map { [other] + $0 }
    }

    private static func survivors(shard: [Step], revoker: [Step]) -> Int {
        Self.merges(shard, revoker).count { order in
            var machine = Machine()
            for step in order { machine.perform(step) }
            // Whatever is posted is received in the end.
            machine.perform(.receive)
            return machine.isOpen
        }
    }

    /// The shard's turns: mail may be received before the connection, after it, and when it comes back.
    private static let turns: [[Step]] = [
        [.register, .check],
        [.receive, .register, .check, .receive],
        [.register, .check, .receive, .register, .check],
        [.register, .check, .receive, .register, .check, .receive, .register, .check],
    ]

    @Test(arguments: turns)
    private func noOrderLeavesARevokedConnectionOpen(_ shard: [Step]) {
        #expect(Self.survivors(shard: shard, revoker: [.insert, .post]) == 0)
        #expect(Self.survivors(shard: shard, revoker: [.insert, .post, .insert, .post]) == 0)
    }

    /// The model can tell: with either half turned round, some order fails.
    @Test func theOtherOrdersFail() {
        func checkFirst(_ order: [Step]) -> Bool {
            var machine = Machine()
            for step in order {
                switch step {
                case .check: machine.verdict = machine.table.verdict(for: machine.identity)
                case .register: machine.isOpen = machine.verdict == .clear
                default: machine.perform(step)
                }
                // An asynchronous check: mail is received between it and the registration.
                if !machine.isOpen { machine.perform(.receive) }
            }
            machine.perform(.receive)
            return machine.isOpen
        }
        #expect(Self.merges([.check, .register], [.insert, .post]).contains(where: checkFirst))
        let comesBack: [Step] = [.register, .check, .receive, .register, .check]
        #expect(Self.survivors(shard: comesBack, revoker: [.post, .insert]) > 0)
    }

    // MARK: Two threads

    /// A shard in small: connections by number, and the mailbox that closes them.
    private final class Shard {
        private let table: RevocationTable
        private let mailbox: Mailbox<Int>
        private(set) var open: [Bool]
        private(set) var closedByCheck = 0
        private(set) var closedByMail = 0
        private var control: [Int] = []
        private var data: [Int] = []

        init(_ table: RevocationTable, _ mailbox: Mailbox<Int>, count: Int) {
            self.table = table
            self.mailbox = mailbox
            self.open = Array(repeating: false, count: count)
        }

        func connect(_ number: Int) {
            self.open[number] = true
            guard self.table.verdict(for: Identity(user: "", session: "s\(number)")) != .clear else { return }
            self.open[number] = false
            self.closedByCheck += 1
        }

        func drain() {
            self.mailbox.drain(control: &self.control, data: &self.data)
            for number in self.control where self.open[number] {
                self.open[number] = false
                self.closedByMail += 1
            }
        }
    }

    /// How far each side has come.
    private final class Progress: Sendable {
        let shard = Atomic<Int>(0)
        let revoker = Atomic<Int>(0)

        /// Lets neither side run ahead of the other by more than a few connections, so that they meet all the time.
        static func wait(for other: borrowing Atomic<Int>, at number: Int) {
            while other.load(ordering: .relaxed) < number - 4 { sched_yield() }
        }
    }

    private struct Result: Sendable {
        var byCheck: Int
        var byMail: Int
        var survivors: Int
    }

    @Test func manyRacesLeaveNoneOpen() async {
        let count = 200_000
        let result = await Self.race(count)
        #expect(result.survivors == 0)
        #expect(result.byCheck + result.byMail == count)
        // Both sides must have won, or nothing was raced.
        #expect(result.byCheck > count / 1_000 && result.byMail > count / 1_000)
    }

    private static func race(_ count: Int) async -> Result {
        let table = RevocationTable(max: count * 2, tokenLifetimeMax: .seconds(3_600))
        let mailbox = Mailbox<Int>(dataMax: 1) {}
        let progress = Progress()
        Thread.detachNewThread {
            for number in 0..<count {
                Progress.wait(for: progress.shard, at: number)
                let event = Invalidation(id: "", target: .session("s\(number)"), at: Clock.wall, source: .api)
                _ = table.insert(event, receivedAt: event.at)
                mailbox.post(control: number)
                progress.revoker.store(number + 1, ordering: .releasing)
            }
        }
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let shard = Shard(table, mailbox, count: count)
                for number in 0..<count {
                    Progress.wait(for: progress.revoker, at: number)
                    shard.connect(number)
                    progress.shard.store(number + 1, ordering: .relaxed)
                    if number % 3 == 0 { shard.drain() }
                }
                while progress.revoker.load(ordering: .acquiring) < count { sched_yield() }
                shard.drain()
                let survivors = shard.open.count { $0 }
                continuation.resume(
                    returning: Result(byCheck: shard.closedByCheck, byMail: shard.closedByMail, survivors: survivors))
            }
        }
    }
}
