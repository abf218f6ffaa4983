// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// What a shard has to do for its streams, now and at later ticks.
struct StreamWork {
    /// A subscription that was ended because its position was lost, and whose client is to be told.
    struct Loss {
        var slot: Int32
        var generation: UInt32
        var channel: String
        var flags: SubscriptionFlags
    }

    /// A stream that keeps a tail, and until when at least.
    struct Tail {
        var item: StreamQueue.Item
        var endsAt: Int64
    }

    var reads = StreamQueue()
    var losses = Line<Loss>()
    /// How many may still be told before the next tick.
    var lossesAllowed = 0
    /// In the order in which they end.
    var tails = Line<Tail>()
    /// Streams whose read failed.
    var retries: [StreamQueue.Item] = []
    /// The time of the last tick: exact enough for what is waited for here.
    var now: Int64 = 0
    /// In which all channels are gone through, in nanoseconds: the shortest time between checks that any asks for; zero
    /// for never.
    private(set) var round: Int64
    /// Of those that the present round came by, and of the shard itself.
    private var shortest: Int64
    private let checkInterval: Int64
    /// When the present round of position checks began, and how far in the table of channels it is.
    private(set) var roundStart: Int64 = 0
    var cursor = 0
    var count = 0

    init(checkInterval: Duration) {
        self.checkInterval = checkInterval.nanoseconds
        self.round = self.checkInterval
        self.shortest = self.checkInterval
    }

    /// A stream asks to be checked so often from now on.
    mutating func checkEvery(_ interval: Int64) {
        guard interval > 0, self.round == 0 || interval < self.round else { return self.passed(interval) }
        self.beginRound(interval)
    }

    /// A stream that asks to be checked so often is among those of the round.
    mutating func passed(_ interval: Int64) {
        if interval > 0, self.shortest == 0 || interval < self.shortest { self.shortest = interval }
    }

    /// All channels have been gone through. The next round is as long as those that there are let it be: who asked for
    /// a shorter one may have gone.
    mutating func endRound() { self.beginRound(self.shortest) }

    private mutating func beginRound(_ interval: Int64) {
        self.round = interval
        self.shortest = self.checkInterval
        self.roundStart = self.now
        self.cursor = 0
    }
}
