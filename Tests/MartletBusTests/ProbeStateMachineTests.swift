// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletBus
import Testing

struct ProbeStateMachineTests {
    @Test func measuresWhatComesBack() {
        var machine = ProbeStateMachine(interval: 100, timeout: 50)
        #expect(machine.ticked(now: 10, isReady: true) == .publish(1))
        #expect(machine.ticked(now: 11, isReady: true) == .none)
        machine.published(1, confirmed: true)
        #expect(machine.received(1, now: 15) == 5)
        #expect(machine.received(1, now: 16) == nil)
        #expect(machine.ticked(now: 109, isReady: true) == .none)
        #expect(machine.ticked(now: 110, isReady: true) == .publish(2))
    }

    @Test func replacesWhatBringsNothing() {
        var machine = ProbeStateMachine(interval: 100, timeout: 50)
        #expect(machine.ticked(now: 0, isReady: true) == .publish(1))
        machine.published(1, confirmed: true)
        #expect(machine.ticked(now: 49, isReady: true) == .none)
        #expect(machine.ticked(now: 50, isReady: true) == .replace)
        #expect(machine.ticked(now: 51, isReady: true) == .none)
        #expect(machine.received(1, now: 52) == nil)
    }

    @Test func blamesNobodyForWhatWasNotPublished() {
        var machine = ProbeStateMachine(interval: 100, timeout: 50)
        #expect(machine.ticked(now: 0, isReady: true) == .publish(1))
        #expect(machine.ticked(now: 50, isReady: true) == .none)
        #expect(machine.ticked(now: 100, isReady: true) == .publish(2))
        machine.published(2, confirmed: false)
        #expect(machine.ticked(now: 150, isReady: true) == .none)
    }

    @Test func forgetsAProbeOfAnOutage() {
        var machine = ProbeStateMachine(interval: 100, timeout: 50)
        #expect(machine.ticked(now: 0, isReady: true) == .publish(1))
        machine.published(1, confirmed: true)
        #expect(machine.ticked(now: 60, isReady: false) == .none)
        #expect(machine.ticked(now: 70, isReady: true) == .publish(2))
        machine.published(1, confirmed: true)
        #expect(machine.received(1, now: 71) == nil)
        #expect(machine.received(2, now: 72) == 2)
    }
}
