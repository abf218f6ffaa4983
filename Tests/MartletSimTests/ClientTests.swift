// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import martlet_sim

@Suite("Clients")
struct ClientTests {
    @Test("An SDK's delays double up to their bound")
    func delays() {
        let clients = ClientModel()
        #expect(clients.sdkDelay(attempt: 0, random: 0) == 0.5)
        #expect(clients.sdkDelay(attempt: 0, random: 1) == 1)
        #expect(clients.sdkDelay(attempt: 3, random: 1) == 4.5)
        #expect(clients.sdkDelay(attempt: 200, random: 1) == 20)
        #expect(clients.delayAfterClose(.eventStream, random: 0) == 1.5)
        #expect(clients.delayAfterClose(.eventStream, random: 0.999) > 4.4)
        #expect(clients.delayWithoutNode(.eventStream, attempt: 1, random: 0.5) == 8)
    }

    @Test("Everybody who waits comes, once, when it is time")
    func waiting() {
        var room = WaitingRoom(step: 0.5)
        var random = SeededGenerator(seed: 2)
        let cohort = Cohort(kind: .sdk, attempt: 1, isReturning: true, since: 4, count: 1_003)
        room.scatter(cohort, &random) { 1 + $0 * 9 }
        room.add(Cohort(kind: .eventStream, since: 4, count: 5), after: 0)
        room.add(Cohort(kind: .eventStream, since: 4, count: 6), after: 0.2)
        #expect(room.count == 1_014 && room.longest(at: 10) == 6)
        #expect(room.next().isEmpty)
        #expect(room.next().map(\.count) == [11])
        #expect(room.next().isEmpty || room.count < 1_003)
        var came = 1_003 - room.count
        for _ in 3...20 { came += room.next().reduce(0) { $0 + $1.count } }
        #expect(came == 1_003 && room.count == 0)
        room.add(Cohort(kind: .sdk, since: 0, count: 1), after: 1e9)
        let later = (0..<400).reduce(0) { sum, _ in sum + room.next().count }
        #expect(later == 1)
    }

    @Test("A total is split in whole numbers that add up")
    func shares() {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<200 {
            let parts = (0..<3).map { _ in random.below(50) }
            var shares = Shares(parts: parts)
            var left = parts.reduce(0, +)
            var sums = [0, 0, 0]
            while left > 0 {
                let count = min(left, 1 + random.below(9))
                let split = shares.take(count)
                #expect(split.reduce(0, +) == count && split.allSatisfy { $0 >= 0 })
                for index in sums.indices { sums[index] += split[index] }
                left -= count
            }
            #expect(sums == parts)
        }
    }

    @Test("Advice is dealt out as it was given")
    func advice() {
        let deck = AdviceDeck([0, 0, 0, 30, 0, 10])
        #expect(deck.draw(8).map { [$0.seconds, $0.count] } == [[3, 6], [5, 2]])
        #expect(AdviceDeck([]).draw(3).map(\.count) == [3])
    }

    @Test("Quantiles of waits")
    func waits() {
        var waits = WaitTimes()
        waits.record(seconds: 1, count: 98)
        waits.record(seconds: 7, count: 2)
        waits.record(seconds: 9, count: 0)
        #expect(waits.quantile(0.5) == 1 && waits.quantile(0.99) == 7 && waits.longest == 7 && waits.count == 100)
    }
}
