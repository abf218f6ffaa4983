// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Testing

struct TimerWheelTests {
    @Test func deadlinesComeInTheirTime() {
        var wheel = TimerWheel(slots: 8)
        wheel.schedule(0, at: 1)
        wheel.schedule(1, at: 3)
        wheel.schedule(2, at: 3)
        wheel.schedule(3, at: 100)
        #expect(wheel.count == 4 && wheel.deadline(of: 3) == 100)
        var expired: [Int32] = []
        wheel.advance(to: 2, into: &expired)
        #expect(expired == [0])
        wheel.advance(to: 3, into: &expired)
        #expect(expired.count == 3 && Set(expired) == [0, 1, 2])
        wheel.advance(to: 99, into: &expired)
        #expect(expired.count == 3 && wheel.count == 1)
        wheel.advance(to: 100, into: &expired)
        #expect(expired.last == 3 && wheel.count == 0 && wheel.deadline(of: 3) == nil)
    }

    @Test func aDeadlineIsMovedAndCleared() {
        var wheel = TimerWheel(slots: 4)
        wheel.schedule(5, at: 2)
        wheel.schedule(5, at: 7)
        wheel.cancel(9)
        wheel.cancel(-1)
        var expired: [Int32] = []
        wheel.advance(to: 6, into: &expired)
        #expect(expired.isEmpty && wheel.count == 1)
        wheel.cancel(5)
        wheel.cancel(5)
        wheel.advance(to: 20, into: &expired)
        #expect(expired.isEmpty && wheel.count == 0)
    }

    @Test func whatIsNotInTheFutureIsDueNext() {
        var wheel = TimerWheel(slots: 4)
        var expired: [Int32] = []
        wheel.advance(to: 10, into: &expired)
        wheel.schedule(1, at: 3)
        wheel.advance(to: 10, into: &expired)
        #expect(expired.isEmpty)
        wheel.advance(to: 11, into: &expired)
        #expect(expired == [1])
    }

    @Test func aDeadlineBeyondAllTimeIsOneStill() {
        var wheel = TimerWheel(slots: 4)
        wheel.schedule(1, at: .max)
        #expect(wheel.count == 1 && wheel.deadline(of: 1) == .max - 1)
        wheel.cancel(1)
        #expect(wheel.count == 0)
    }

    @Test func timeDoesNotGoBack() {
        var wheel = TimerWheel(slots: 4)
        var expired: [Int32] = []
        wheel.advance(to: 10, into: &expired)
        wheel.advance(to: 5, into: &expired)
        #expect(wheel.now == 10)
    }

    @Test func aLongPauseExpiresAll() {
        var wheel = TimerWheel(slots: 16)
        for id in 0..<100 as Range<Int32> { wheel.schedule(id, at: UInt32(id) + 1) }
        wheel.schedule(100, at: 2_000_000)
        var expired: [Int32] = []
        wheel.advance(to: 1_000_000, into: &expired)
        #expect(Set(expired) == Set(0..<100) && wheel.count == 1)
    }

    /// Whatever is done to it, it agrees with a dictionary.
    @Test func itAgreesWithADictionary() {
        var generator = SystemRandomNumberGenerator()
        for slots in [1, 2, 8, 64] {
            var wheel = TimerWheel(slots: slots)
            var model: [Int32: UInt32] = [:]
            var now: UInt32 = 0
            for _ in 0..<4_000 {
                let id = Int32.random(in: 0..<40, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0, 1:
                    let tick = now + UInt32.random(in: 0..<150, using: &generator)
                    wheel.schedule(id, at: tick)
                    model[id] = max(tick, now + 1)
                case 2:
                    wheel.cancel(id)
                    model[id] = nil
                default:
                    now += UInt32.random(in: 0..<20, using: &generator)
                    var expired: [Int32] = []
                    wheel.advance(to: now, into: &expired)
                    #expect(Set(expired) == Set(model.filter { $0.value <= now }.keys))
                    model = model.filter { $0.value > now }
                }
                #expect(wheel.count == model.count && wheel.deadline(of: id) == model[id])
            }
        }
    }
}
