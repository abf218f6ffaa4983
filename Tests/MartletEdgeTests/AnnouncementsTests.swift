// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Testing

@testable import MartletEdge

@Suite struct AnnouncementsTests {
    private static func publication(_ number: Int) -> Publication {
        Publication(channel: "a", data: Array("\(number)".utf8))
    }

    @Test func leaveAtABoundedRateAndInTheirOrder() {
        var announcements = Announcements(perTick: 2, max: 5)
        #expect(!announcements.isBusy)
        var outcomes = (0..<3).map { _ in announcements.mayLeave() }
        #expect(outcomes == [true, true, false])
        outcomes = (0..<6).map { announcements.append(Self.publication($0)) }
        #expect(outcomes == [true, true, true, true, true, false], "as many as may wait")
        var due = [Array(announcements.tick())]
        // Others were first.
        outcomes = [announcements.mayLeave(), announcements.append(Self.publication(6))]
        #expect(outcomes == [false, true])
        due.append(Array(announcements.tick()))
        due.append(Array(announcements.tick()))
        #expect(due == [[0, 1], [2, 3], [4, 6]].map { $0.map(Self.publication) })
        #expect(announcements.isBusy)
        due = [Array(announcements.tick())]
        #expect(due == [[]] && !announcements.isBusy)
        let mayLeave = announcements.mayLeave()
        #expect(mayLeave)
    }
}
