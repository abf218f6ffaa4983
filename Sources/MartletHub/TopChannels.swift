// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// The channels with the most subscribers, found by looking at a part of the table at a time.
struct TopChannels {
    /// Channels that are named.
    static let countMax = 10
    /// Channels looked at in one go.
    private static let slice = 4_096

    /// As of the last time that all had been looked at, most subscribers first.
    private(set) var found: [ShardSnapshot.Channel] = []
    private var candidates: [ShardSnapshot.Channel] = []
    private var cursor = 0

    mutating func scan(_ table: ChannelTable) {
        let end = min(table.entries.count, self.cursor + Self.slice)
        while self.cursor < end {
            let id = Int32(self.cursor)
            self.cursor += 1
            let count = table[id].subscribers.count
            guard count > 0, self.candidates.count < Self.countMax || count > self.candidates.last?.subscribers ?? 0
            else { continue }
            let place = self.candidates.firstIndex { $0.subscribers < count } ?? self.candidates.count
            self.candidates.insert(ShardSnapshot.Channel(name: table[id].name, subscribers: count), at: place)
            if self.candidates.count > Self.countMax { self.candidates.removeLast() }
        }
        guard self.cursor >= table.entries.count else { return }
        self.found = self.candidates
        self.candidates.removeAll(keepingCapacity: true)
        self.cursor = 0
    }
}
