// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MartletReactor

struct DeadlineWheelTests {
    @Test func aRecordIsSmall() {
        #expect(MemoryLayout<ConnectionRecord>.stride == 48)
    }

    /// Against the plainest model: a dictionary looked through at every tick.
    @Test(arguments: 0..<8)
    func agreesWithAModel(seed: Int) throws {
        var random = SplitMix(state: UInt64(seed))
        let table = try ConnectionTable(capacity: 64, shard: 0)
        defer { table.unmap() }
        for _ in 0..<64 { _ = table.insert(descriptor: -1, listener: 0, flags: []) }
        var wheel = DeadlineWheel()
        var model: [Int32: UInt32] = [:]
        var now: UInt32 = 0
        for _ in 0..<5_000 {
            let slot = Int32.random(in: 0..<64, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<6:
                let tick = now + UInt32.random(in: 0..<3_000, using: &random)
                wheel.set(slot, at: tick, in: table)
                model[slot] = max(tick, now + 1)
            case 6:
                wheel.clear(slot, in: table)
                model[slot] = nil
            case 7:
                wheel.remove(slot, in: table)
                model[slot] = nil
            default:
                now += Bool.random(using: &random) ? 1 : UInt32.random(in: 1..<2_500, using: &random)
                var expired: [Int32] = []
                wheel.advance(to: now, in: table, into: &expired)
                let due = model.filter { $0.value <= now }.keys
                #expect(Set(expired) == Set(due))
                #expect(expired.count == due.count)
                for slot in due { model[slot] = nil }
            }
        }
    }
}

/// Random numbers that are the same in every run.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
