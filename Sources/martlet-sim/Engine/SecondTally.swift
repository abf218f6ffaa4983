// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Counts by whole seconds, and keeps the worst of them.
struct SecondTally: Sendable {
    /// A second that is over.
    struct Closed: Sendable {
        var reconnects: Int
        var refused: Int
        /// The worst since the last sample, where it is time for one.
        var isSample: Bool
        var reconnectsMost: Int
        var refusedMost: Int
    }

    private let interval: Double
    private var second = 0
    private var sampledAt = 0.0
    private var reconnects = 0
    private var refused = 0
    private var reconnectsMost = 0
    private var refusedMost = 0
    private var admitted: [Int] = []
    /// What one node took in its worst second.
    private(set) var admittedMost = 0

    /// - Parameter interval: Seconds between samples.
    init(interval: Double) { self.interval = interval }

    mutating func reconnected(_ count: Int) { self.reconnects += count }
    mutating func refused(_ count: Int) { self.refused += count }

    mutating func admitted(_ count: Int, by node: Int) {
        while self.admitted.count <= node { self.admitted.append(0) }
        self.admitted[node] += count
    }

    /// Time goes on; the second that is over with that, if one is. Steps longer than a second count as one.
    mutating func advance(to now: Double) -> Closed? {
        let second = Int(now)
        guard second > self.second else { return nil }
        let passed = second - self.second
        self.second = second
        self.admittedMost = max(self.admittedMost, (self.admitted.max() ?? 0) / passed)
        for index in self.admitted.indices { self.admitted[index] = 0 }
        let (reconnects, refused) = (self.reconnects / passed, self.refused / passed)
        (self.reconnects, self.refused) = (0, 0)
        self.reconnectsMost = max(self.reconnectsMost, reconnects)
        self.refusedMost = max(self.refusedMost, refused)
        let closed = Closed(
            reconnects: reconnects, refused: refused, isSample: now - self.sampledAt >= self.interval,
            reconnectsMost: self.reconnectsMost, refusedMost: self.refusedMost)
        if closed.isSample {
            self.sampledAt = now
            (self.reconnectsMost, self.refusedMost) = (0, 0)
        }
        return closed
    }
}
