// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The first and the next-to-be-written offset of a partition.
struct Watermarks: Hashable {
    var low: Int64
    var high: Int64
}

/// Where the reading of a partition begins, decided from what the brokers answered.
struct PartitionStart: Hashable {
    /// Where to begin; nil: at the first record there is.
    var offset: Int64?
    /// What the partition held when it was looked at; nil when it was not.
    var watermarks: Watermarks?
    /// Set when records before the first one are gone: if that one is newer than this time (milliseconds since 1970),
    /// one of those that are gone may have been newer too.
    var horizon: Int64?

    /// - Parameter horizon: The time before which nothing matters.
    static func earliest(_ watermarks: Watermarks, horizon: Int64) -> PartitionStart {
        PartitionStart(
            offset: watermarks.low, watermarks: watermarks, horizon: watermarks.low > 0 ? horizon : nil)
    }

    /// - Parameter found: The first offset at or after the horizon; nil when there was none, which means the end that
    ///   was asked *before*. "The end" as it is when the reading begins would skip what came between.
    static func timestamp(_ watermarks: Watermarks, found: Int64?, horizon: Int64) -> PartitionStart {
        let offset = max(found ?? watermarks.high, watermarks.low)
        let mayMiss = offset == watermarks.low && watermarks.low > 0 && watermarks.low < watermarks.high
        return PartitionStart(offset: offset, watermarks: watermarks, horizon: mayMiss ? horizon : nil)
    }

    /// A partition that was added while its topic was read, and whose records are therefore all news.
    static let added = PartitionStart(offset: nil, watermarks: nil, horizon: nil)
}
