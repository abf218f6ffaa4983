// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore
import Synchronization
import Testing

@testable import MartletSessions

/// Register-then-check on one thread, insert-then-close on another: no order may leave a revoked connection open.
@Suite struct RevocationRaceTests {
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
