// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Synchronization
import Testing

struct MailboxTests {
    @Test func lanesAreInOrderAndOneWakeIsEnough() {
        let wakes = Atomic<Int>(0)
        let mailbox = Mailbox<Int>(dataMax: 10) { wakes.add(1, ordering: .relaxed) }
        mailbox.post(control: 1)
        let taken = mailbox.post(data: 2)
        mailbox.post(control: 3)
        #expect(taken && wakes.load(ordering: .relaxed) == 1)
        var (control, data): ([Int], [Int]) = ([9], [9])
        mailbox.drain(control: &control, data: &data)
        #expect(control == [1, 3] && data == [2])
        mailbox.post(control: 4)
        #expect(wakes.load(ordering: .relaxed) == 2)
        mailbox.drain(control: &control)
        #expect(control == [4])
        mailbox.drain(control: &control, data: &data)
        #expect(control.isEmpty && data.isEmpty)
    }

    @Test func dataIsBoundedAndControlIsNot() {
        let mailbox = Mailbox<Int>(dataMax: 2) {}
        let taken = (0..<4).map { mailbox.post(data: $0) }
        for message in 0..<100 { mailbox.post(control: message) }
        #expect(taken == [true, true, false, false])
        var (control, data): ([Int], [Int]) = ([], [])
        mailbox.drain(control: &control, data: &data)
        #expect(control.count == 100 && data == [0, 1])
        #expect(mailbox.post(data: 5))
    }

    /// Whatever is posted is drained, once, in its producer's order, and a consumer that sleeps is woken.
    @Test func nothingIsLostBetweenThreads() async {
        let wakes = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let mailbox = Mailbox<(producer: Int, number: Int)>(dataMax: .max) { wakes.continuation.yield() }
        let producers = 4
        let each = 5_000
        await withTaskGroup { group in
            for producer in 0..<producers {
                group.addTask {
                    for number in 0..<each {
                        if number % 3 == 0 {
                            mailbox.post(control: (producer, number))
                        } else {
                            _ = mailbox.post(data: (producer, number))
                        }
                    }
                }
            }
            group.addTask {
                var seen = 0
                var last: [Int: Int] = [:]
                var (control, data): ([(producer: Int, number: Int)], [(producer: Int, number: Int)]) = ([], [])
                for await _ in wakes.stream {
                    mailbox.drain(control: &control, data: &data)
                    for (lane, messages) in [control, data].enumerated() {
                        for message in messages {
                            let key = message.producer * 2 + lane
                            #expect(message.number > last[key] ?? -1)
                            last[key] = message.number
                        }
                        seen += messages.count
                    }
                    if seen == producers * each { break }
                }
                #expect(seen == producers * each)
            }
        }
    }
}
