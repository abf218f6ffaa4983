// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The channels of one connection in the order of subscription. Most have one, which costs no allocation.
struct SubscriptionList {
    struct Entry {
        var channel: Int32
        /// Index in the channel's array of subscribers, or -1 while the bus has not acknowledged.
        var position: Int32
    }

    private var first = Entry(channel: -1, position: -1)
    private var more: [Entry] = []

    var count: Int { (self.first.channel >= 0 ? 1 : 0) + self.more.count }

    /// All of them, the oldest first.
    var all: [Entry] { self.first.channel >= 0 ? [self.first] + self.more : [] }

    /// The entry to take next when all are to go.
    var last: Entry? { self.more.last ?? (self.first.channel >= 0 ? self.first : nil) }

    func entry(of channel: Int32) -> Entry? {
        if self.first.channel == channel { return self.first }
        return self.more.first { $0.channel == channel }
    }

    mutating func append(_ entry: Entry) {
        if self.first.channel < 0 { self.first = entry } else { self.more.append(entry) }
    }

    mutating func move(_ channel: Int32, to position: Int32) {
        if self.first.channel == channel {
            self.first.position = position
        } else if let index = self.more.firstIndex(where: { $0.channel == channel }) {
            self.more[index].position = position
        }
    }

    mutating func remove(_ channel: Int32) {
        if self.first.channel == channel {
            self.first = self.more.isEmpty ? Entry(channel: -1, position: -1) : self.more.removeFirst()
        } else if let index = self.more.firstIndex(where: { $0.channel == channel }) {
            self.more.remove(at: index)
        }
        if self.more.isEmpty { self.more = [] }
    }

    /// Whether one of them waits for the bus.
    var isWaiting: Bool {
        (self.first.channel >= 0 && self.first.position < 0) || self.more.contains { $0.position < 0 }
    }
}
