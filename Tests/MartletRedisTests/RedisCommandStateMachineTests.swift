// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletRedis
import Testing

struct RedisCommandStateMachineTests {
    private func answer(_ machine: inout RedisCommandStateMachine<String>) -> String? {
        guard case .answer(let context) = machine.replied() else { return nil }
        return context
    }

    @Test func answersInOrder() {
        var machine = RedisCommandStateMachine<String>(timeout: 10)
        machine.opened()
        #expect(machine.submitted(["a", "b"], now: 0) == .send)
        #expect(machine.submitted(["c"], now: 5) == .send)
        #expect(machine.deadline == 10)
        #expect(self.answer(&machine) == "a")
        #expect(self.answer(&machine) == "b")
        #expect(machine.deadline == 15)
        #expect(self.answer(&machine) == "c")
        #expect(self.answer(&machine) == nil)
        #expect(machine.deadline == nil)
    }

    @Test func takesNothingWhileAway() {
        var machine = RedisCommandStateMachine<String>(timeout: 10)
        #expect(machine.submitted(["a"], now: 0) == .fail)
        machine.opened()
        #expect(machine.submitted(["b"], now: 0) == .send)
        #expect(machine.closed() == ["b"])
        #expect(machine.submitted(["c"], now: 0) == .fail)
        #expect(machine.count == 0)
    }

    @Test func knowsWhenTheFirstIsLate() {
        var machine = RedisCommandStateMachine<String>(timeout: 10)
        machine.opened()
        #expect(!machine.isLate(now: 1_000))
        _ = machine.submitted(["a"], now: 0)
        _ = machine.submitted(["b"], now: 8)
        #expect(!machine.isLate(now: 9))
        #expect(machine.isLate(now: 10))
        #expect(self.answer(&machine) == "a")
        #expect(!machine.isLate(now: 10))
        #expect(machine.isLate(now: 18))
    }
}
