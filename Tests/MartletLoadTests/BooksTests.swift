// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import martlet_load

@Suite("The books")
struct BooksTests {
    @Test("What came once and in order balances")
    func balance() {
        var books = Books(channels: 2, subscribers: 3, startsAtOne: true)
        for number in 1...5 as ClosedRange<UInt32> {
            books.received(number, of: 0, by: 0, in: 0)
            books.received(number, of: 0, by: 2, in: 0)
        }
        for (subscriber, channel) in [(0, 0), (1, 1), (2, 0)] {
            books.close(subscriber, in: channel, last: channel == 0 ? 5 : 0)
        }
        #expect(books.channels == [ChannelBook(expected: 10, received: 10), ChannelBook()])
        for book in books.channels { #expect(book.isBalanced) }
        #expect(books.highest == [5, 0])
    }

    @Test("A message that never came is lost, in the middle and at the end")
    func lost() {
        var books = Books(channels: 1, subscribers: 1, startsAtOne: true)
        for number in [1, 2, 4] as [UInt32] { books.received(number, of: 0, by: 0, in: 0) }
        books.close(0, in: 0, last: 6)
        #expect(books.channels[0] == ChannelBook(expected: 6, received: 3, lost: 3))
        #expect(!books.channels[0].isBalanced)
    }

    @Test("A late message is out of order and not lost; one that came before came twice")
    func orderAndTwice() {
        var books = Books(channels: 1, subscribers: 1, startsAtOne: true)
        for number in [2, 1, 3, 3] as [UInt32] { books.received(number, of: 0, by: 0, in: 0) }
        books.close(0, in: 0, last: 3)
        #expect(books.channels[0] == ChannelBook(expected: 3, received: 4, twice: 1, outOfOrder: 1))
    }

    @Test("What belongs to another channel is foreign")
    func foreign() {
        var books = Books(channels: 2, subscribers: 1, startsAtOne: true)
        books.received(1, of: 1, by: 0, in: 0)
        books.close(0, in: 0, last: 0)
        #expect(books.channels[0] == ChannelBook(foreign: 1))
        #expect(!books.channels[0].isBalanced)
    }

    @Test("Who leaves early misses nothing by it")
    func leaving() {
        var books = Books(channels: 1, subscribers: 2, startsAtOne: true)
        books.received(1, of: 0, by: 0, in: 0)
        books.close(0, in: 0, last: nil)
        books.close(1, in: 0, last: nil)
        // Closed books stay as they are.
        books.close(0, in: 0, last: 9)
        #expect(books.channels[0] == ChannelBook(expected: 1, received: 1))
    }

    @Test("Who comes while others publish begins with what it gets first")
    func joining() {
        var books = Books(channels: 1, subscribers: 2, startsAtOne: false)
        for number in 7...9 as ClosedRange<UInt32> { books.received(number, of: 0, by: 0, in: 0) }
        books.close(0, in: 0, last: 10)
        books.close(1, in: 0, last: 10)
        #expect(books.channels[0] == ChannelBook(expected: 4, received: 3, lost: 1))
    }

    @Test("A number nobody knows about is neither expected nor lost")
    func void() {
        var books = Books(channels: 1, subscribers: 2, startsAtOne: true)
        for number in [1, 3] as [UInt32] { books.received(number, of: 0, by: 0, in: 0) }
        for number in [1, 2, 3] as [UInt32] { books.received(number, of: 0, by: 1, in: 0) }
        for subscriber in 0...1 { books.close(subscriber, in: 0, last: 3, void: [2]) }
        #expect(books.channels[0] == ChannelBook(expected: 5, received: 5))
        #expect(books.channels[0].isBalanced)
    }
}
