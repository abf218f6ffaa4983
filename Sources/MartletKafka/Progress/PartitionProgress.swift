// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// How far the reading of one partition has come, and whether that is as far as it went when the reading began.
///
/// Caught up at the first of: nothing was there, a record at or beyond the last one that was there, the partition's
/// end. The last is needed because compaction and transactions leave holes where that record was.
struct PartitionProgress: Hashable {
    /// What a record or the partition's end made certain.
    struct Loss: Hashable {
        var cause: KafkaTruncation.Cause
        var firstRetained: Int64?
    }

    private(set) var isCaughtUp: Bool
    /// The next offset to be read.
    private(set) var position: Int64
    /// The offset that the next record to be written will have, as far as known.
    private(set) var high: Int64
    /// The end when the reading began; nil when it was not asked.
    private var target: Int64?
    /// A loss that will be told when the first record that is left has shown its time.
    private var suspicion: Suspicion

    private enum Suspicion: Hashable {
        case none
        case position
        case horizon(Int64)
    }

    init(start: PartitionStart) {
        self.target = start.watermarks?.high
        self.high = start.watermarks?.high ?? 0
        self.position = start.offset ?? 0
        self.isCaughtUp = start.watermarks.map { $0.low == $0.high } ?? false
        self.suspicion = start.horizon.map { .horizon($0) } ?? .none
    }

    /// Records between the position and the end.
    var lag: Int64 { max(0, self.high - self.position) }

    mutating func recordReceived(offset: Int64, timestamp: Int64) -> Loss? {
        // A record from before a restart that came late moves nothing back.
        self.position = max(self.position, offset.addingReportingOverflow(1).partialValue)
        self.high = max(self.high, self.position)
        if let target = self.target, self.position >= target { self.isCaughtUp = true }
        if case .none = self.suspicion { return nil }
        return self.resolveSuspicion(firstRetained: timestamp)
    }

    mutating func endReached(at offset: Int64) -> Loss? {
        self.position = max(self.position, offset)
        self.high = max(self.high, self.position)
        self.isCaughtUp = true
        return self.resolveSuspicion(firstRetained: nil)
    }

    /// The brokers told where the partition ends now.
    mutating func highObserved(_ high: Int64) { self.high = max(self.high, high) }

    /// The position is gone, and the reading begins anew at the first record there is.
    mutating func restarted(_ watermarks: Watermarks) {
        self = PartitionProgress(start: PartitionStart(offset: watermarks.low, watermarks: watermarks, horizon: nil))
        self.suspicion = .position
    }

    private mutating func resolveSuspicion(firstRetained: Int64?) -> Loss? {
        defer { self.suspicion = .none }
        switch self.suspicion {
        case .none: return nil
        case .position: return Loss(cause: .position, firstRetained: firstRetained)
        case .horizon(let horizon):
            // A record without a time cannot vouch for those before it.
            guard let firstRetained, firstRetained < 0 || firstRetained > horizon else { return nil }
            return Loss(cause: .horizon, firstRetained: firstRetained < 0 ? nil : firstRetained)
        }
    }
}
