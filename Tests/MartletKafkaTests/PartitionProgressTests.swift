// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MartletKafka

/// Where reading begins, and when it has caught up.
@Suite struct PartitionProgressTests {
    private let full = Watermarks(low: 0, high: 10)
    private let cut = Watermarks(low: 4, high: 10)

    @Test func earliestBeginsAtTheFirstRecord() {
        #expect(PartitionStart.earliest(self.full, horizon: 500).offset == 0)
        #expect(PartitionStart.earliest(self.full, horizon: 500).horizon == nil)
        #expect(PartitionStart.earliest(self.cut, horizon: 500).offset == 4)
        #expect(PartitionStart.earliest(self.cut, horizon: 500).horizon == 500)
    }

    @Test func timestampBeginsAtWhatWasFound() {
        #expect(PartitionStart.timestamp(self.full, found: 7, horizon: 500).offset == 7)
        #expect(PartitionStart.timestamp(self.cut, found: 7, horizon: 500).horizon == nil)
    }

    @Test func nothingFoundMeansTheEndThatWasAskedBefore() {
        let start = PartitionStart.timestamp(self.full, found: nil, horizon: 500)
        #expect(start == PartitionStart(offset: 10, watermarks: self.full, horizon: nil))
    }

    @Test func aFoundOffsetThatIsGoneMeansTheFirstThatIsLeft() {
        let start = PartitionStart.timestamp(self.cut, found: 1, horizon: 500)
        #expect(start == PartitionStart(offset: 4, watermarks: self.cut, horizon: 500))
    }

    @Test func nothingThereIsCaughtUp() {
        for low in [Int64(0), 6] {
            let progress = PartitionProgress(start: .earliest(Watermarks(low: low, high: low), horizon: 0))
            #expect(progress.isCaughtUp)
            #expect(progress.position == low)
            #expect(progress.lag == 0)
        }
    }

    @Test func theLastRecordThatWasThereCatchesUp() {
        var progress = PartitionProgress(start: .earliest(self.full, horizon: 0))
        #expect(progress.lag == 10)
        #expect(progress.recordReceived(offset: 8, timestamp: 1) == nil)
        #expect(!progress.isCaughtUp)
        #expect(progress.recordReceived(offset: 9, timestamp: 1) == nil)
        #expect(progress.isCaughtUp)
        #expect(progress.position == 10)
        #expect(progress.lag == 0)
    }

    @Test func aRecordBeyondAHoleCatchesUp() {
        var progress = PartitionProgress(start: .earliest(self.full, horizon: 0))
        #expect(progress.recordReceived(offset: 14, timestamp: 1) == nil)
        #expect(progress.isCaughtUp)
    }

    @Test func theEndCatchesUpWhereTheLastRecordIsAHole() {
        var progress = PartitionProgress(start: .earliest(self.full, horizon: 0))
        #expect(progress.recordReceived(offset: 3, timestamp: 1) == nil)
        #expect(progress.endReached(at: 10) == nil)
        #expect(progress.isCaughtUp)
        #expect(progress.position == 10)
    }

    @Test func beginningAtTheEndWaitsForTheEnd() {
        var progress = PartitionProgress(start: .timestamp(self.full, found: nil, horizon: 0))
        #expect(!progress.isCaughtUp)
        #expect(progress.endReached(at: 10) == nil)
        #expect(progress.isCaughtUp)
    }

    @Test func anAddedPartitionCatchesUpAtItsEndOnly() {
        var progress = PartitionProgress(start: .added)
        #expect(progress.recordReceived(offset: 0, timestamp: 1) == nil)
        #expect(!progress.isCaughtUp)
        #expect(progress.endReached(at: 1) == nil)
        #expect(progress.isCaughtUp)
    }

    @Test func lateRecordsMoveNothingBack() {
        var progress = PartitionProgress(start: .earliest(self.full, horizon: 0))
        _ = progress.recordReceived(offset: 9, timestamp: 1)
        _ = progress.recordReceived(offset: 2, timestamp: 1)
        #expect(progress.position == 10)
        _ = progress.endReached(at: 3)
        #expect(progress.position == 10)
    }

    @Test func lagFollowsTheObservedEnd() {
        var progress = PartitionProgress(start: .earliest(self.full, horizon: 0))
        _ = progress.recordReceived(offset: 9, timestamp: 1)
        progress.highObserved(25)
        #expect(progress.lag == 15)
        progress.highObserved(-1001)
        #expect(progress.lag == 15)
    }

    @Test func aFirstRecordWithinTheLookbackMayFollowLostOnes() {
        var progress = PartitionProgress(start: .earliest(self.cut, horizon: 500))
        #expect(progress.recordReceived(offset: 4, timestamp: 501) == .init(cause: .horizon, firstRetained: 501))
        #expect(progress.recordReceived(offset: 5, timestamp: 502) == nil)
    }

    @Test func aFirstRecordFromBeforeTheLookbackVouchesForAll() {
        var progress = PartitionProgress(start: .earliest(self.cut, horizon: 500))
        #expect(progress.recordReceived(offset: 4, timestamp: 500) == nil)
        #expect(progress.recordReceived(offset: 5, timestamp: 900) == nil)
    }

    @Test func aFirstRecordWithoutATimeVouchesForNothing() {
        var progress = PartitionProgress(start: .earliest(self.cut, horizon: 500))
        #expect(progress.recordReceived(offset: 4, timestamp: -1) == .init(cause: .horizon, firstRetained: nil))
    }

    @Test func anEmptyPartitionTellsNoLoss() {
        var progress = PartitionProgress(start: .earliest(Watermarks(low: 6, high: 6), horizon: 500))
        #expect(progress.endReached(at: 6) == nil)
    }

    @Test func aLostPositionIsToldWithTheFirstRecordThatIsLeft() {
        var progress = PartitionProgress(start: .earliest(self.full, horizon: 0))
        _ = progress.recordReceived(offset: 9, timestamp: 1)
        progress.restarted(Watermarks(low: 20, high: 30))
        #expect(!progress.isCaughtUp)
        #expect(progress.position == 20)
        #expect(progress.recordReceived(offset: 20, timestamp: 77) == .init(cause: .position, firstRetained: 77))
        #expect(progress.recordReceived(offset: 29, timestamp: 78) == nil)
        #expect(progress.isCaughtUp)
    }

    @Test func aLostPositionInATopicMadeAnewGoesBack() {
        var progress = PartitionProgress(start: .earliest(self.full, horizon: 0))
        _ = progress.recordReceived(offset: 9, timestamp: 1)
        progress.restarted(Watermarks(low: 0, high: 0))
        #expect(progress.position == 0)
        #expect(progress.lag == 0)
        #expect(progress.endReached(at: 0) == .init(cause: .position, firstRetained: nil))
        #expect(progress.endReached(at: 0) == nil)
    }

    @Test func anOffsetAtTheLimitDoesNotTrap() {
        var progress = PartitionProgress(start: .added)
        _ = progress.recordReceived(offset: .max, timestamp: .min)
        #expect(progress.lag >= 0)
    }
}
