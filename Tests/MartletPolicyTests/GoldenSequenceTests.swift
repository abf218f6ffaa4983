// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletPolicy
import Testing

struct GoldenSequenceTests {
    @Test(arguments: [0, 1, .max, 0x1234_5678_9ABC_DEF0] as [UInt64])
    func fillsEveryPartEvenly(_ start: UInt64) {
        var sequence = GoldenSequence(start: start)
        var counts = [Int](repeating: 0, count: 10)
        for _ in 0..<1_000 {
            let number = sequence.next()
            #expect(0..<1 ~= number)
            counts[Int(number * 10)] += 1
        }
        #expect(counts.allSatisfy { 97...103 ~= $0 }, "\(counts)")
    }

    @Test func noTwoBeginAlike() {
        var (one, other) = (GoldenSequence(), GoldenSequence())
        #expect(one.next() != other.next())
    }
}
