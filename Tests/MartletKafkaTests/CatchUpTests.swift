// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MartletKafka

@Suite struct CatchUpTests {
    private static func start(_ high: Int64) -> PartitionStart {
        .earliest(Watermarks(low: 0, high: high), horizon: 0)
    }

    @Test func noTopicIsComplete() {
        var catchUp = CatchUp(topicCount: 0)
        #expect(catchUp.completes() == true)
        #expect(catchUp.completes() == false)
    }

    @Test func everyTopicMustBeKnown() {
        var catchUp = CatchUp(topicCount: 2)
        #expect(catchUp.completes() == false)
        catchUp.topicResolved(0, starts: [Self.start(0)])
        #expect(catchUp.completes() == false)
        #expect(catchUp.firstBehind == 1)
        catchUp.topicResolved(1, starts: [Self.start(0)])
        #expect(catchUp.firstBehind == nil)
        #expect(catchUp.completes() == true)
        #expect(catchUp.isComplete)
    }

    @Test func everyPartitionMustCatchUp() {
        var catchUp = CatchUp(topicCount: 1)
        catchUp.topicResolved(0, starts: [Self.start(2), Self.start(0), Self.start(1)])
        #expect(catchUp.behind == 2)
        _ = catchUp.recordReceived(0, 0, offset: 1, timestamp: 0)
        #expect(catchUp.behind == 1)
        #expect(catchUp.completes() == false)
        _ = catchUp.endReached(0, 2, at: 1)
        #expect(catchUp.completes() == true)
    }

    @Test func itIsToldOnceWhateverComesLater() {
        var catchUp = CatchUp(topicCount: 1)
        catchUp.topicResolved(0, starts: [Self.start(0)])
        #expect(catchUp.completes() == true)
        catchUp.partitionAdded(0)
        #expect(catchUp.behind == 1)
        _ = catchUp.endReached(0, 1, at: 0)
        #expect(catchUp.behind == 0)
        catchUp.restarted(0, 0, Watermarks(low: 3, high: 9))
        #expect(catchUp.behind == 1)
        #expect(catchUp.completes() == false)
        #expect(catchUp.isComplete)
    }

    @Test func whatIsNotKnownIsIgnored() {
        var catchUp = CatchUp(topicCount: 1)
        #expect(catchUp.recordReceived(0, 0, offset: 1, timestamp: 0) == nil)
        #expect(catchUp.endReached(5, 0, at: 1) == nil)
        #expect(catchUp.endReached(-1, -1, at: 1) == nil)
        catchUp.topicResolved(7, starts: [Self.start(0)])
        catchUp.partitionAdded(9)
        #expect(catchUp.behind == 0)
    }
}
