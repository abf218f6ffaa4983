// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import NIOCore

/// What became of publications that came with a key, so that one that comes again is not published again. Beyond its
/// bound the oldest are forgotten before their time.
struct IdempotencyTable: Sendable {
    private struct Key: Hashable, Sendable {
        var channel: String
        var key: String
    }

    private let countMax: Int
    private let window: Int64
    private var results: [Key: StreamPosition?] = [:]
    private var line = CircularBuffer<(key: Key, end: Int64)>()

    /// - Parameter window: In nanoseconds, as the times below.
    init(countMax: Int, window: Int64) {
        self.countMax = max(1, countMax)
        self.window = window
    }

    var count: Int { self.results.count }

    /// What was recorded: nil where nothing was.
    mutating func result(_ channel: String, _ key: String, now: Int64) -> StreamPosition?? {
        while let first = self.line.first, first.end <= now { self.dropFirst() }
        return self.results[Key(channel: channel, key: key)]
    }

    mutating func record(_ channel: String, _ key: String, _ result: StreamPosition?, now: Int64) {
        let key = Key(channel: channel, key: key)
        guard self.results.updateValue(result, forKey: key) == nil else { return }
        self.line.append((key, now + self.window))
        while self.line.count > self.countMax { self.dropFirst() }
    }

    private mutating func dropFirst() {
        guard let first = self.line.popFirst() else { return }
        self.results[first.key] = nil
    }
}
