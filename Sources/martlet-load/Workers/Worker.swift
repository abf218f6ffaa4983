// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletReactor
import Synchronization

/// A process that holds clients: orders come on its standard input, a line of JSON each, and news go to its standard
/// output. It ends when its orders say so, or with its input.
final class Worker: Sendable {
    /// How often loops are woken: the grain of connects.
    private static let pulse = 0.005
    private static let pulsesPerNews = 50
    /// How long closing takes at most.
    private static let goodbye = 5.0

    private struct Inbox {
        var orders: [WorkerOrder] = []
        var hasEnded = false
    }

    private let inbox = Mutex(Inbox())

    func run() throws {
        DescriptorLimit.raise()
        guard let first = readLine(), let order = try? JSONDecoder().decode(WorkerOrder.self, from: Data(first.utf8)),
            let plan = order.plan
        else { throw LoadError("a worker needs a plan") }
        let loops = try plan.parts(max(1, order.threads ?? 1)).map { try ClientLoop(plan: $0) }
        for loop in loops { try loop.reactor.start() }
        self.readOrders()
        var pulses = 0
        while true {
            let (orders, hasEnded) = self.inbox.withLock { inbox in
                defer { inbox.orders = [] }
                return (inbox.orders, inbox.hasEnded)
            }
            for order in orders { Self.pass(order, to: loops) }
            for loop in loops { loop.reactor.wake() }
            Thread.sleep(forTimeInterval: Self.pulse)
            pulses += 1
            if pulses % Self.pulsesPerNews == 0 { self.tell(self.collect(loops)) }
            if hasEnded || loops.allSatisfy({ $0.news.withLock { $0.books != nil } }) { break }
        }
        let end = Date(timeIntervalSinceNow: Self.goodbye)
        while Date() < end, loops.contains(where: { $0.news.withLock { $0.connections } > 0 }) {
            for loop in loops { loop.reactor.wake() }
            Thread.sleep(forTimeInterval: Self.pulse)
        }
        for loop in loops { loop.reactor.stop() }
        var news = self.collect(loops)
        var books = Array(repeating: ChannelBook(), count: plan.channels)
        for loop in loops { books.add(loop.news.withLock { $0.books } ?? []) }
        news.books = books
        self.tell(news)
    }

    private func readOrders() {
        Thread.detachNewThread {
            while let line = readLine() {
                guard let order = try? JSONDecoder().decode(WorkerOrder.self, from: Data(line.utf8)) else { continue }
                self.inbox.withLock { $0.orders.append(order) }
            }
            self.inbox.withLock { $0.hasEnded = true }
        }
    }

    private static func pass(_ order: WorkerOrder, to loops: [ClientLoop]) {
        let shares = order.wanted.map { Share.sizes(of: $0, in: loops.count) }
        for (index, loop) in loops.enumerated() {
            loop.orders.withLock { orders in
                if let shares { orders.wanted = shares[index] }
                if let last = order.last {
                    orders.last = last
                    orders.void = order.void ?? [:]
                }
            }
        }
    }

    private func collect(_ loops: [ClientLoop]) -> WorkerNews {
        var news = WorkerNews()
        for loop in loops {
            let part = loop.news.withLock { part in
                defer { part.closures = [] }
                return part
            }
            news.tally.merge(part.tally)
            news.closures += part.closures
            news.settled += part.settled
            if news.highest.isEmpty {
                news.highest = part.highest
            } else {
                news.highest = zip(news.highest, part.highest).map { max($0, $1) }
            }
        }
        return news
    }

    private func tell(_ news: WorkerNews) {
        guard let line = try? JSONEncoder().encode(news) else { return }
        try? FileHandle.standardOutput.write(contentsOf: line + Data("\n".utf8))
    }
}
