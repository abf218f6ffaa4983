// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletBus
import MartletHub
import Testing

struct InterestTableTests {
    private func table() -> InterestTable {
        var table = InterestTable(linger: 50, patience: 30)
        table.connected()
        return table
    }

    @Test func answersAllWaitersAtOnce() {
        var table = self.table()
        #expect(table.add("a", shard: 0) == .subscribe)
        #expect(table.add("a", shard: 3) == .wait)
        #expect(table.add("a", shard: 63) == .wait)
        #expect(table.shards(of: "a").isEmpty)
        #expect(table.acknowledged("a") == [0, 3, 63])
        #expect(table.shards(of: "a") == [0, 3, 63])
        #expect(table.add("a", shard: 1) == .acknowledge)
        #expect(table.shards(of: "a") == [0, 1, 3, 63])
        #expect(table.acknowledged("a") == [])
        #expect(table.acknowledged("unknown") == [])
    }

    @Test func lingersBeforeItCloses() {
        var table = self.table()
        _ = table.add("a", shard: 0)
        _ = table.acknowledged("a")
        #expect(table.remove("a", shard: 0) == .none)
        #expect(table.shards(of: "a").isEmpty)
        #expect(table.advance(to: 49) == [])
        #expect(table.add("a", shard: 1) == .acknowledge)
        #expect(table.advance(to: 200) == [])
        #expect(table.remove("a", shard: 1) == .none)
        #expect(table.advance(to: 249) == [])
        #expect(table.advance(to: 250) == [.unsubscribe("a")])
        #expect(table.state(of: "a") == .closing)
        table.ended("a")
        #expect(table.state(of: "a") == nil)
        #expect(table.count == 0)
    }

    @Test func reopensWhileClosing() {
        var table = self.table()
        _ = table.add("a", shard: 0)
        _ = table.acknowledged("a")
        _ = table.remove("a", shard: 0)
        #expect(table.advance(to: 50) == [.unsubscribe("a")])
        #expect(table.add("a", shard: 2) == .subscribe)
        #expect(table.shards(of: "a").isEmpty)
        table.ended("a")
        #expect(table.state(of: "a") == .opening)
        #expect(table.acknowledged("a") == [2])
        #expect(table.shards(of: "a") == [2])
    }

    @Test func forgetsWaitersThatWaitedTooLong() {
        var table = self.table()
        #expect(table.add("a", shard: 0) == .subscribe)
        _ = table.advance(to: 10)
        #expect(table.add("a", shard: 1) == .wait)
        #expect(table.advance(to: 30) == [.fail("a", [0, 1])])
        #expect(table.add("a", shard: 1) == .wait)
        #expect(table.acknowledged("a") == [1])
        #expect(table.shards(of: "a") == [1])
    }

    @Test func closesWhatIsAcknowledgedTooLate() {
        var table = self.table()
        _ = table.add("a", shard: 0)
        #expect(table.remove("a", shard: 0) == .none)
        #expect(table.advance(to: 40) == [])
        #expect(table.acknowledged("a") == [])
        #expect(table.advance(to: 89) == [])
        #expect(table.advance(to: 90) == [.unsubscribe("a")])
    }

    @Test func keepsInterestThroughAnOutage() {
        var table = self.table()
        for channel in ["kept", "lingering", "closing", "opening"] { _ = table.add(channel, shard: 0) }
        for channel in ["kept", "lingering", "closing"] { _ = table.acknowledged(channel) }
        _ = table.remove("closing", shard: 0)
        #expect(table.advance(to: 29) == [])
        _ = table.remove("lingering", shard: 0)
        #expect(table.hasAcknowledged)
        #expect(Set(table.disconnected()) == ["lingering", "closing"])
        #expect(Set(table.names) == ["kept", "opening"])
        #expect(table.shards(of: "kept") == [0])
        #expect(table.add("kept", shard: 1) == .wait)
        #expect(table.add("new", shard: 1) == .subscribe)
        #expect(table.advance(to: 31) == [.fail("opening", [0]), .unsubscribe("opening")])
        table.connected()
        #expect(table.acknowledged("kept") == [1])
        #expect(table.shards(of: "kept") == [0, 1])
        #expect(table.acknowledged("new") == [1])
    }

    @Test func forgetsAtOnceWhileAway() {
        var table = self.table()
        _ = table.disconnected()
        #expect(table.add("a", shard: 0) == .subscribe)
        #expect(table.remove("a", shard: 0) == .unsubscribe)
        #expect(table.count == 0)
        #expect(table.add("b", shard: 0) == .subscribe)
        #expect(table.advance(to: 30) == [.fail("b", [0]), .unsubscribe("b")])
        #expect(table.count == 0)
        #expect(!table.hasAcknowledged)
    }

    /// Whatever happens in whatever order, the broker is asked for each channel that is wanted, and never twice.
    @Test func agreesWithTheBrokerAfterAnyHistory() {
        for _ in 0..<200 {
            var table = self.table()
            var wanted: Set<Int> = []
            var asked = 0
            var owed: [Bool] = []
            var tick: UInt32 = 0
            for _ in 0..<100 {
                let shard = Int.random(in: 0..<4)
                switch Int.random(in: 0..<5) {
                case 0, 1:
                    wanted.insert(shard)
                    if table.add("a", shard: shard) == .subscribe {
                        asked += 1
                        owed.append(true)
                    }
                case 2:
                    wanted.remove(shard)
                    #expect(table.remove("a", shard: shard) == .none)
                case 3:
                    tick += UInt32.random(in: 1..<40)
                    for action in table.advance(to: tick) {
                        switch action {
                        case .unsubscribe:
                            asked -= 1
                            owed.append(false)
                        case .fail(_, let shards): for shard in shards { wanted.remove(shard) }
                        }
                    }
                default:
                    guard !owed.isEmpty else { continue }
                    if owed.removeFirst() { _ = table.acknowledged("a") } else { table.ended("a") }
                }
                #expect(asked == 0 || asked == 1)
                if !wanted.isEmpty { #expect(asked == 1) }
            }
            while !owed.isEmpty {
                if owed.removeFirst() { _ = table.acknowledged("a") } else { table.ended("a") }
            }
            #expect(Set(table.shards(of: "a")) == wanted)
        }
    }
}
