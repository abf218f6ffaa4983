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
        #expect(announcements.mayLeave() && announcements.mayLeave())
        #expect(!announcements.mayLeave())
        for number in 0..<5 { #expect(announcements.append(Self.publication(number))) }
        #expect(!announcements.append(Self.publication(5)), "as many as may wait")
        #expect(announcements.tick().elementsEqual([0, 1].map(Self.publication)))
        #expect(!announcements.mayLeave(), "others were first")
        #expect(announcements.append(Self.publication(6)))
        #expect(announcements.tick().elementsEqual([2, 3].map(Self.publication)))
        #expect(announcements.tick().elementsEqual([4, 6].map(Self.publication)))
        #expect(announcements.isBusy && !announcements.mayLeave())
        #expect(announcements.tick().isEmpty && !announcements.isBusy)
        #expect(announcements.mayLeave())
    }
}
