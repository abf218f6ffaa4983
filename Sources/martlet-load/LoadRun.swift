// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore
import MartletReactor
import Synchronization

/// Runs a plan: starts the workers, has them connect, publishes, waits, balances the books and reports.
///
/// All on the caller's thread.
final class LoadRun {
    /// How long a connect may take to be answered, and how long messages may be under way at the end.
    private static let patience = 60.0
    /// How long the API may take for its last answers.
    private static let answerPatience = 12.0
    private static let silence = 1.0

    private let plan: LoadPlan
    private let workers: [WorkerProcess]
    private let api: APILoop?
    private let began = Clock.monotonic
    private let interruption: Interruption
    private var samples: [ServerSample] = []
    private var closures: [Closure] = []
    private let progress: ProgressLine

    init(_ plan: LoadPlan, interruption: Interruption) throws {
        self.interruption = interruption
        self.plan = plan
        self.progress = ProgressLine(isQuiet: plan.isQuiet)
        self.api = try plan.api.map { try APILoop(plan: $0) }
        self.workers = try plan.clients.parts(plan.processes).map {
            try WorkerProcess(plan: $0, threads: plan.threads)
        }
    }

    func run() throws -> LoadReport {
        try self.api?.reactor.start()
        self.sample("start")
        for count in self.plan.checkpoints.filter({ $0 < self.plan.clients.count }) + [self.plan.clients.count] {
            self.connect(count)
            self.pause(self.plan.settle)
            self.sample("open")
        }
        self.api?.orders.withLock { $0 = APILoop.Orders(mayPublish: true, mayRevoke: true) }
        self.pause(self.plan.duration)
        self.api?.orders.withLock { $0 = APILoop.Orders() }
        self.awaitSilence()
        self.sample("end")
        let openAtEnd = self.tally.open
        let books = self.closeBooks()
        self.api?.reactor.stop()
        self.wait(self.plan.server == nil ? 0 : 1, whenInterrupted: true) { false }
        self.sample("closed")
        self.progress.end()
        return self.report(books, openAtEnd: openAtEnd)
    }

    // MARK: - Phases

    private var tally: ClientTally { self.workers.reduce(into: ClientTally()) { $0.merge($1.news.tally) } }

    private func connect(_ count: Int) {
        // Each worker takes its share of every step, so that all addresses and channels fill alike.
        let whole = max(1, self.plan.clients.count)
        for worker in self.workers {
            worker.tell(WorkerOrder(wanted: count == whole ? worker.clients : count * worker.clients / whole))
        }
        let wanted = self.workers.reduce(0) { $0 + (count == whole ? $1.clients : count * $1.clients / whole) }
        let seconds = Double(wanted) / max(1, self.plan.clients.rate) + Self.patience
        self.wait(seconds) { self.workers.reduce(0) { $0 + $1.news.settled } >= wanted }
    }

    private func pause(_ seconds: Double) { self.wait(seconds) { false } }

    /// Waits until the API has answered and nothing more arrives.
    private func awaitSilence() {
        self.wait(Self.answerPatience, whenInterrupted: true) { self.api?.news.withLock { $0.waiting == 0 } ?? true }
        var (messages, since) = (self.tally.messages, Clock.monotonic)
        self.wait(Self.patience, whenInterrupted: true) {
            if self.tally.messages != messages { (messages, since) = (self.tally.messages, Clock.monotonic) }
            return Double(Clock.monotonic - since) / 1e9 > Self.silence
        }
    }

    private func closeBooks() -> [ChannelBook] {
        let published = self.api?.news.withLock { $0 }
        var last = published?.last ?? []
        if self.plan.clients.startsAtOne == false {
            // Somebody else published: what one client got, all of the channel should have.
            for highest in self.workers.map(\.news.highest) {
                last = last.isEmpty ? highest : zip(last, highest).map { max($0, $1) }
            }
        }
        if last.isEmpty { last = Array(repeating: 0, count: self.plan.clients.channels) }
        for worker in self.workers { worker.tell(WorkerOrder(last: last, void: published?.void)) }
        self.wait(Self.patience, whenInterrupted: true) { self.workers.allSatisfy(\.hasEnded) }
        for worker in self.workers { worker.abandon() }
        var books = Array(repeating: ChannelBook(), count: self.plan.clients.channels)
        for worker in self.workers { books.add(worker.news.books ?? []) }
        return books
    }

    // MARK: - Waiting

    /// Turns the wheels until something is so, the time is over or, if that counts, the run is interrupted.
    private func wait(_ seconds: Double, whenInterrupted goesOn: Bool = false, until isDone: () -> Bool) {
        let end = Clock.monotonic + Int64(seconds * 1e9)
        while Clock.monotonic < end, !isDone() {
            if !goesOn, self.interruption.isThere { return }
            if self.workers.contains(where: \.hasEnded) && !goesOn { return }
            self.api?.reactor.wake()
            Thread.sleep(forTimeInterval: 0.001)
            self.collectClosures()
            self.progress.show {
                let tally = self.tally
                let published = self.api?.news.withLock { $0.published } ?? 0
                let (refused, closed) = (tally.refused.values.reduce(0, +), tally.closed.values.reduce(0, +))
                return "\(tally.open) open of \(self.plan.clients.count), \(refused) refused, \(closed) closed, "
                    + "\(published) published, \(tally.messages) received"
            }
        }
    }

    private func collectClosures() {
        let new = self.workers.flatMap { $0.takeClosures() }
        self.closures += new
    }

    private func sample(_ name: String) {
        guard let server = self.plan.server else { return }
        let tally = self.tally
        let sample = ServerSample(
            name, process: server, open: tally.open, messages: tally.messages,
            at: Double(Clock.monotonic - self.began) / 1e9)
        if let sample { self.samples.append(sample) }
    }

    // MARK: - Outcome

    private func report(_ books: [ChannelBook], openAtEnd: Int) -> LoadReport {
        self.collectClosures()
        let tally = self.tally
        self.writeCloses()
        let total = books.reduce(ChannelBook(), +)
        let unbalanced = books.enumerated().filter { !$0.element.isBalanced }.prefix(100)
        let published = self.api?.news.withLock { $0 }
        // A worker that ended before its books were closed leaves nothing that could balance.
        let isWhole = self.workers.allSatisfy { $0.news.books != nil }
        var report = LoadReport(
            kind: self.plan.clients.kind, clients: self.plan.clients.count, opened: tally.opened,
            openAtEnd: openAtEnd, seconds: Double(Clock.monotonic - self.began) / 1e9, refused: tally.refused,
            closed: tally.closed, messages: tally.messages, bytes: tally.bytes, pings: tally.pings, gaps: tally.gaps,
            books: total,
            unbalanced: Dictionary(
                unbalanced.map { (self.plan.clients.channelName($0.offset), $0.element) }, uniquingKeysWith: +),
            isBalanced: isWhole && total.isBalanced, samples: self.samples)
        report.latencyMicroseconds = LoadReport.Latency(tally.latency)
        report.connectMicroseconds = LoadReport.Latency(tally.connectTime)
        report.publishing = published.map {
            LoadReport.Publishing(
                published: $0.published, failed: $0.failed, lastFailure: $0.lastFailure,
                answerMicroseconds: LoadReport.Latency($0.answerTime))
        }
        report.eventToCloseMicroseconds = LoadReport.Latency(self.eventToClose(published?.revokedAt ?? [:]))
        report.computeCosts()
        return report
    }

    private func eventToClose(_ revokedAt: [Int: Int64]) -> LatencyHistogram {
        var histogram = LatencyHistogram()
        for closure in self.closures {
            guard let sentAt = revokedAt[self.plan.clients.user(of: closure.client)] else { continue }
            histogram.add(Int((closure.at - sentAt) / 1_000))
        }
        return histogram
    }

    /// A line for each end: the user, when (nanoseconds since 1970), and the reason.
    private func writeCloses() {
        guard let path = self.plan.closesFile else { return }
        let lines = self.closures.map {
            "\(TokenMint.user(self.plan.clients.user(of: $0.client)))\t\($0.at)\t\($0.reason)\n"
        }
        try? lines.joined().write(toFile: path, atomically: true, encoding: .utf8)
    }
}
