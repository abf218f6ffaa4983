// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletPolicy
import Testing

struct DeletionCostTests {
    @Test func itGrowsWithTheConnections() {
        let counts = [0, 1, 9, 10, 99, 100, 101, 999, 1_000, 12_345, 99_999, 100_000, 1 << 31, .max]
        let costs = counts.map { DeletionCost.cost(connections: $0, isDraining: false) }
        #expect(costs == costs.sorted())
        #expect(costs.prefix(10) == [0, 1, 9, 10, 99, 100, 100, 990, 1_000, 12_000])
        #expect(costs.last == .max)
        for count in 0..<5_000 {
            #expect(
                DeletionCost.cost(connections: count, isDraining: false)
                    <= DeletionCost.cost(connections: count + 1, isDraining: false))
        }
    }

    @Test func whoDrainsGoesFirst() {
        let empty = DeletionCost.cost(connections: 0, isDraining: false)
        #expect(DeletionCost.cost(connections: .max, isDraining: true) < empty)
        #expect(DeletionCost.cost(connections: .min, isDraining: false) == empty)
    }
}
