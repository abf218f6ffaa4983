// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletRedis
import Testing

struct RedisLinkStateMachineTests {
    private func machine(_ greetings: [RedisLinkStateMachine.Greeting] = [.required]) -> RedisLinkStateMachine {
        RedisLinkStateMachine(
            greetings: greetings, backoff: Backoff(base: .seconds(1), ceiling: .seconds(4)))
    }

    @Test func opensAfterItsGreetings() {
        var machine = self.machine([.required, .optional, .required])
        #expect(machine.started() == .connect(attempt: 1))
        #expect(machine.started() == .none)
        #expect(machine.connected(attempt: 1) == .greet)
        #expect(machine.replied(.status("OK"), attempt: 1) == .none)
        #expect(machine.replied(.error("ERR unknown command"), attempt: 1) == .none)
        #expect(machine.replied(.status("PONG"), attempt: 1) == .opened)
        #expect(machine.replied(.integer(1), attempt: 1) == .deliver)
        #expect(machine.deadlinePassed(attempt: 1) == .none)
    }

    @Test func failsWhenARequiredGreetingIsRefused() {
        var machine = self.machine([.required, .required])
        _ = machine.started()
        _ = machine.connected(attempt: 1)
        #expect(machine.replied(.error("WRONGPASS"), attempt: 1) == .fail(.refused("WRONGPASS")))
        #expect(machine.ended(attempt: 1, random: 1) == .retry(after: .seconds(1), wasOpen: false))
        #expect(machine.replied(.status("OK"), attempt: 1) == .none)
    }

    @Test func waitsLongerEachTimeUntilItOpens() {
        var machine = self.machine()
        _ = machine.started()
        for (attempt, wait) in [(1, 1), (2, 2), (3, 4), (4, 4)] {
            #expect(machine.ended(attempt: attempt, random: 1) == .retry(after: .seconds(wait), wasOpen: false))
            #expect(machine.waited(attempt: attempt) == .connect(attempt: attempt + 1))
        }
        #expect(machine.connected(attempt: 5) == .greet)
        #expect(machine.replied(.status("PONG"), attempt: 5) == .opened)
        #expect(machine.ended(attempt: 5, random: 1) == .retry(after: .seconds(1), wasOpen: true))
    }

    @Test func ignoresWhatComesTooLate() {
        var machine = self.machine()
        _ = machine.started()
        #expect(machine.deadlinePassed(attempt: 1, random: 1) == .retry(after: .seconds(1), wasOpen: false))
        #expect(machine.connected(attempt: 1) == .close)
        #expect(machine.ended(attempt: 1) == .none)
        #expect(machine.waited(attempt: 1) == .connect(attempt: 2))
        #expect(machine.waited(attempt: 1) == .none)
        #expect(machine.connected(attempt: 1) == .close)
        #expect(machine.replied(.status("PONG"), attempt: 1) == .none)
        #expect(machine.ended(attempt: 1) == .none)
        #expect(machine.connected(attempt: 2) == .greet)
    }

    @Test func doesNothingOnceStopped() {
        var machine = self.machine()
        _ = machine.started()
        machine.stopped()
        #expect(machine.connected(attempt: 1) == .close)
        #expect(machine.ended(attempt: 1) == .none)
        #expect(machine.waited(attempt: 1) == .none)
        #expect(machine.started() == .none)
    }
}
