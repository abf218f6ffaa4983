// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// Who got which message, for subscribers of one channel each. The messages of a channel are numbered from one.
///
/// A subscriber costs eight bytes as long as nothing goes wrong; numbers that were skipped are remembered, so that one
/// that comes late is told from one that never comes.
struct Books: Sendable {
    private struct Subscriber {
        /// The first number it should get; zero where that is the first it gets.
        var first: UInt32
        /// The number it should get next; zero when its book is closed.
        var next: UInt32
    }

    private(set) var channels: [ChannelBook]
    /// The highest number that anybody got, by channel.
    private(set) var highest: [UInt32]
    private var subscribers: [Subscriber]
    private var skipped: [Int: Set<UInt32>] = [:]

    /// - Parameter startsAtOne: Whether every subscriber is there before the first message; else what it gets first is
    ///   what it should get first.
    init(channels: Int, subscribers: Int, startsAtOne: Bool) {
        let start: UInt32 = startsAtOne ? 1 : 0
        self.channels = Array(repeating: ChannelBook(), count: channels)
        self.highest = Array(repeating: 0, count: channels)
        self.subscribers = Array(repeating: Subscriber(first: start, next: max(1, start)), count: subscribers)
    }

    mutating func received(_ number: UInt32, of origin: Int, by subscriber: Int, in channel: Int) {
        guard origin == channel else {
            self.channels[channel].foreign += 1
            return
        }
        self.channels[channel].received += 1
        guard number > 0, number < .max else { return }
        self.highest[channel] = max(self.highest[channel], number)
        if self.subscribers[subscriber].first == 0 {
            self.subscribers[subscriber] = Subscriber(first: number, next: number)
        }
        let next = self.subscribers[subscriber].next
        if number == next {
            self.subscribers[subscriber].next = number + 1
        } else if number > next {
            self.skipped[subscriber, default: []].formUnion(next..<number)
            self.subscribers[subscriber].next = number + 1
        } else if self.skipped[subscriber]?.remove(number) != nil {
            self.channels[channel].outOfOrder += 1
        } else {
            self.channels[channel].twice += 1
        }
    }

    /// Enters what a subscriber should have got; nothing it gets afterwards counts.
    ///
    /// - Parameters:
    ///   - last: The last number of the channel; nil where the subscriber left before, which is no loss.
    ///   - void: Numbers of the channel of which nobody knows whether they were published.
    mutating func close(_ subscriber: Int, in channel: Int, last: UInt32?, void: Set<UInt32> = []) {
        let (first, next) = (self.subscribers[subscriber].first, self.subscribers[subscriber].next)
        guard next > 0 else { return }
        self.subscribers[subscriber].next = 0
        guard first > 0 else { return }
        var missing = self.skipped.removeValue(forKey: subscriber) ?? []
        if let last, last >= next { missing.formUnion(next...last) }
        let end = max(next, (last ?? 0) + 1)
        let unknown = missing.intersection(void).count
        self.channels[channel].lost += missing.count - unknown
        self.channels[channel].expected += Int(end - first) - unknown
    }
}
