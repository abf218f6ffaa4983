// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MartletHub

@Suite("Tables of a shard")
struct TablesTests {
    @Test func subscriptionListHoldsTheFirstInPlaceAndTheRestBehind() {
        var list = SubscriptionList()
        #expect(list.count == 0 && list.last == nil)
        for channel in Int32(0)..<4 { list.append(.init(channel: channel, position: -1)) }
        #expect(list.count == 4)
        #expect(list.last?.channel == 3)
        list.move(2, to: 7)
        list.move(0, to: 5)
        list.move(9, to: 1)
        #expect(list.entry(of: 2)?.position == 7)
        #expect(list.entry(of: 0)?.position == 5)
        #expect(list.entry(of: 1)?.position == -1)
        list.remove(0)
        #expect(list.entry(of: 0) == nil)
        list.remove(9)
        #expect(list.isWaiting)
        list.move(1, to: 0)
        list.move(3, to: 0)
        #expect(!list.isWaiting)
        var left: Set<Int32> = []
        while let entry = list.last {
            left.insert(entry.channel)
            list.remove(entry.channel)
        }
        #expect(left == [1, 2, 3])
        #expect(list.count == 0)
        list.append(.init(channel: 8, position: 0))
        #expect(list.last?.channel == 8)
    }

    @Test func channelNumbersAreGivenOutAgain() {
        var table = ChannelTable()
        let (a, b) = (table.intern("a"), table.intern("b"))
        #expect(a != b && table.intern("a") == a && table.count == 2)
        table[a].isOpen = true
        table[a].subscribers.append(Subscriber(slot: 1, format: .jsonRPC, flags: []))
        table.release(a)
        #expect(table.id(of: "a") == nil && table.count == 1)
        let c = table.intern("c")
        #expect(c == a)
        #expect(!table[c].isOpen && table[c].subscribers.isEmpty && table[c].name == "c")
        #expect(Set(table.all) == [b, c])
    }

    @Test func slotIndexIsADictionaryOfSets() {
        var index = SlotIndex()
        var model: [UInt64: Set<Int32>] = [:]
        var filed: [Int32: UInt64] = [:]
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let slot = Int32.random(in: 0..<200, using: &random)
            if let hash = filed[slot] {
                index.remove(slot, hash: hash)
                model[hash]?.remove(slot)
                if model[hash]?.isEmpty == true { model[hash] = nil }
                filed[slot] = nil
            } else {
                let hash = UInt64.random(in: 0..<30, using: &random)
                index.insert(slot, hash: hash)
                model[hash, default: []].insert(slot)
                filed[slot] = hash
            }
            let hash = UInt64.random(in: 0..<30, using: &random)
            let slots = index.slots(hash: hash)
            guard Set(slots) == model[hash] ?? [], Set(slots).count == slots.count else {
                Issue.record("the index differs from its model")
                return
            }
        }
        #expect(index.keyCount == model.count)
        for (slot, hash) in filed { index.remove(slot, hash: hash) }
        #expect(index.keyCount == 0)
    }

    @Test func shardSets() {
        var set: ShardSet = [0, 5, 63]
        #expect(set.count == 3 && set.contains(63) && !set.contains(1))
        #expect(Array(set) == [0, 5, 63] && "\(set)" == "[0, 5, 63]")
        set.remove(5)
        set.remove(5)
        #expect(set == [0, 63])
        #expect(set.subtracting([63, 1]) == [0])
        #expect(set.union([1]) == [0, 1, 63])
        set.formUnion([2])
        #expect(set.rawValue == UInt64(1) << 63 | 0b101)
        #expect(ShardSet.first(64).count == 64 && ShardSet.first(0).isEmpty && ShardSet.first(3) == [0, 1, 2])
    }
}
