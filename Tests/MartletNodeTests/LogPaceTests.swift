// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MartletNode

struct LogPaceTests {
    @Test func onceInAWhile() {
        let pace = LogPace(seconds: 2)
        let second: Int64 = 1_000_000_000
        let due = [0, 1, second, 2 * second, 2 * second + 1, 3 * second, 4 * second + 2].map { pace.isDue(now: $0) }
        #expect(due == [true, false, false, false, true, false, true])
    }
}
