// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// A shard's channels: names interned to integers, and a flat array of subscribers each.
struct ChannelTable {
    struct Entry {
        var name: String
        /// Whether everything published from now on is certain to arrive.
        var isOpen = false
        var subscribers: ContiguousArray<Subscriber> = []
        /// Those who wait for the bus, where there is no stream that they wait at.
        var waiters: [Waiter] = []
        var stream: ChannelStream?
        /// What patches are made against; nil where nobody takes them.
        var delta: DeltaBase?
        /// It must not be given up meanwhile, whoever leaves it.
        var isPinned = false

        var isUnused: Bool {
            !self.isPinned && self.subscribers.isEmpty && self.waiters.isEmpty && self.stream?.waiters.isEmpty != false
        }

        mutating func removeWaiter(_ slot: Int32) -> Waiter? {
            if let waiter = self.stream?.removeWaiter(slot) { return waiter }
            guard let index = self.waiters.firstIndex(where: { $0.slot == slot }) else { return nil }
            return self.waiters.remove(at: index)
        }
    }

    private(set) var entries: [Entry] = []
    private var ids: [String: Int32] = [:]
    private var free: [Int32] = []

    var count: Int { self.ids.count }

    subscript(_ id: Int32) -> Entry {
        _read { yield self.entries[Int(id)] }
        _modify { yield &self.entries[Int(id)] }
    }

    func id(of name: String) -> Int32? { self.ids[name] }

    /// Every channel's number, in no order.
    var all: Dictionary<String, Int32>.Values { self.ids.values }

    mutating func intern(_ name: String) -> Int32 {
        if let id = self.ids[name] { return id }
        let id: Int32
        if let freed = self.free.popLast() {
            self.entries[Int(freed)] = Entry(name: name)
            id = freed
        } else {
            id = Int32(self.entries.count)
            self.entries.append(Entry(name: name))
        }
        self.ids[name] = id
        return id
    }

    mutating func release(_ id: Int32) {
        self.ids[self.entries[Int(id)].name] = nil
        self.entries[Int(id)] = Entry(name: "")
        self.free.append(id)
    }
}
