// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The streams of a shard that want a read: those that somebody waits for first, and a bounded number at a time.
struct StreamQueue {
    struct Item {
        var channel: Int32
        var stream: ChannelStream
    }

    /// Reads under way.
    private(set) var outstanding = 0
    private var urgent = Line<Item>()
    private var checks = Line<Item>()
    private var number: UInt64 = 0

    var checkCount: Int { self.checks.count }

    mutating func add(_ stream: ChannelStream, of channel: Int32, now: Int64) {
        guard stream.wantsRead(now: now) else { return }
        let place: ChannelStream.Place = stream.wantsCheckOnly ? .checks : .urgent
        guard place.rawValue > stream.place.rawValue else { return }
        stream.place = place
        let item = Item(channel: channel, stream: stream)
        if place == .urgent { self.urgent.append(item) } else { self.checks.append(item) }
    }

    /// The stream to read next.
    mutating func next() -> Item? {
        if let item = self.urgent.popFirst() {
            item.stream.place = .none
            return item
        }
        while let item = self.checks.popFirst() {
            // It may have become urgent, and have had its turn already.
            guard item.stream.place == .checks else { continue }
            item.stream.place = .none
            return item
        }
        return nil
    }

    /// A number that no other read of the shard has.
    mutating func began() -> UInt64 {
        self.outstanding += 1
        self.number += 1
        return self.number
    }

    mutating func ended() { self.outstanding -= 1 }
}
