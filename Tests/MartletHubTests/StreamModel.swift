// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Testing

@testable import MartletHub

/// A stream with its publishers, its history, an unreliable way to one shard, and clients that come and go: whatever
/// happens, each client gets each publication once and in order, or is told that it did not.
struct StreamModel {
    /// What may go wrong.
    struct Faults: OptionSet {
        let rawValue: Int
        static let losses = Faults(rawValue: 1)
        static let duplicates = Faults(rawValue: 2)
        static let failures = Faults(rawValue: 4)
        static let trimming = Faults(rawValue: 8)
        static let rollBacks = Faults(rawValue: 16)
        static let newEpochs = Faults(rawValue: 32)
    }

    private enum Presence { case away, waiting, here }

    private struct Client {
        var isPositioned: Bool
        var presence = Presence.away
        /// Where it is; nil where it was told that it does not know, until it is given something.
        var at: StreamPosition?
        /// What it was given without a break, up to there.
        var log: [[UInt8]] = []
    }

    private struct Read {
        var number: UInt64
        var query: HistoryQuery
        var page: HistoryPage?
    }

    private let faults: Faults
    private var random: SeededGenerator
    private var epoch = 1
    private var offset: UInt64 = 0
    private var published = 0
    private var kept: [Publication] = []
    private var contents: [StreamPosition: [UInt8]] = [:]
    private var onTheWay: [Publication] = []
    private var clients: [Client]
    private var stream: ChannelStream?
    private var reads: [Read] = []
    private var readCount: UInt64 = 0
    private var isRenewing = false
    private var now: Int64 = 1
    private(set) var recoveries = 0
    private(set) var positionsLost = 0
    private(set) var errors: [String] = []

    private static let limits = StreamLimits.with { limits in
        limits.recoveryPublicationsMax = 12
        limits.heldPublicationsMax = 6
        limits.tailBytesMax = 64
        limits.tailLifetime = .nanoseconds(40)
        limits.retryBase = .nanoseconds(5)
        limits.retryCeiling = .nanoseconds(20)
        limits.readFailuresMax = 4
    }

    init(seed: UInt64, faults: Faults) {
        self.faults = faults
        self.random = SeededGenerator(seed: seed)
        self.clients = (0..<6).map { Client(isPositioned: $0 % 3 != 2) }
    }

    private var name: String { "e\(self.epoch)" }

    mutating func run(steps: Int) {
        for _ in 0..<steps { self.step() }
        self.settle()
    }

    private mutating func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &self.random) == 0 }

    private mutating func step() {
        self.now += 1
        switch Int.random(in: 0..<20, using: &self.random) {
        case 0..<5: self.publish()
        case 5..<10: self.deliver()
        case 10..<12: self.executeRead()
        case 12..<15: self.finishRead()
        case 15: self.come()
        case 16: self.go()
        case 17: if self.chance(4) { self.stream?.missedSome() }
        case 18: self.stream?.check(now: self.now, round: .max)
        default: self.misfortune()
        }
        self.startRead()
    }

    // MARK: - The bus

    private mutating func publish() {
        self.offset += 1
        self.published += 1
        var publication = Publication(channel: "a", data: Array("\(self.published)".utf8), offset: self.offset)
        publication.epoch = self.name
        self.contents[StreamPosition(offset: self.offset, epoch: self.name)] = publication.data
        self.kept.append(publication)
        if self.faults.contains(.trimming), self.kept.count > 8 { self.kept.removeFirst() }
        guard self.stream != nil, !(self.faults.contains(.losses) && self.chance(6)) else { return }
        self.onTheWay.append(publication)
    }

    private mutating func deliver() {
        guard let stream, !self.onTheWay.isEmpty else { return }
        let publication = self.onTheWay.removeFirst()
        if self.faults.contains(.duplicates), self.chance(8) { self.onTheWay.insert(publication, at: 0) }
        if stream.takes(publication) { self.give([publication]) }
    }

    private mutating func startRead() {
        guard let stream, stream.wantsRead(now: self.now) else { return }
        self.readCount += 1
        self.reads.append(Read(number: self.readCount, query: stream.beginRead(self.readCount)))
    }

    private mutating func executeRead() {
        guard let index = self.reads.firstIndex(where: { $0.page == nil }) else { return }
        self.reads[index].page = self.page(self.reads[index].query)
    }

    private func page(_ query: HistoryQuery) -> HistoryPage {
        let top = StreamPosition(offset: self.offset, epoch: self.name)
        var publications = query.isReverse ? self.kept.reversed() : self.kept
        if let since = query.since {
            publications = since.epoch == self.name ? publications.filter { $0.offset ?? 0 > since.offset } : []
        }
        return HistoryPage(publications: Array(publications.prefix(query.limit ?? .max)), top: top)
    }

    private mutating func finishRead(mayFail: Bool = true) {
        guard let index = self.reads.firstIndex(where: { $0.page != nil }) else { return }
        let read = self.reads.remove(at: index)
        let fails = mayFail && self.faults.contains(.failures) && self.chance(3)
        let page: Result<HistoryPage, BusError> = read.page.map { .success($0) } ?? .failure(.unconfirmed)
        let result = fails ? .failure(.unconfirmed) : page
        guard let stream, let step = stream.completeRead(read.number, result, now: self.now) else { return }
        self.perform(step)
        self.give(stream.resume())
    }

    private mutating func misfortune() {
        switch Int.random(in: 0..<12, using: &self.random) {
        case 0 where self.faults.contains(.newEpochs):
            self.epoch += 1
            self.offset = 0
            self.kept = []
        case 1 where self.faults.contains(.rollBacks): self.rollBack()
        case 2...4: if self.isRenewing { self.finishRenewal() }
        default: _ = self.stream?.expireTail(now: self.now)
        }
    }

    /// A fail-over. It is certain to be noticed only where a read comes before as much has been published again.
    private mutating func rollBack() {
        while !self.onTheWay.isEmpty { self.deliver() }
        while !self.reads.isEmpty {
            self.executeRead()
            self.finishRead(mayFail: false)
            self.startRead()
        }
        guard let stream, stream.known == StreamPosition(offset: self.offset, epoch: self.name), self.offset > 3,
            self.reads.isEmpty, !self.isRenewing
        else { return }
        self.offset -= UInt64.random(in: 1...3, using: &self.random)
        self.kept.removeAll { $0.offset ?? 0 > self.offset }
        stream.missedSome()
        self.startRead()
        self.executeRead()
        self.finishRead(mayFail: false)
    }

    private mutating func finishRenewal() {
        self.isRenewing = false
        self.epoch += 1
        self.offset = 0
        self.kept = []
        self.stream?.renewed()
        self.give(self.stream?.resume() ?? [])
    }

    // MARK: - The shard

    private var here: [Int] { self.clients.indices.filter { self.clients[$0].presence == .here } }

    private mutating func perform(_ step: StreamStep) {
        if step.renewal != nil { self.isRenewing = true }
        if step.isLost {
            for index in self.here {
                self.tellGap(index)
                guard self.clients[index].isPositioned else { continue }
                self.clients[index].presence = .away
                self.positionsLost += 1
            }
        }
        self.give(step.deliveries)
        for start in step.starts { self.begin(Int(start.waiter.slot), start.waiter.since, start.start) }
        for waiter in step.failures { self.clients[Int(waiter.slot)].presence = .away }
        self.releaseIfUnused()
    }

    private mutating func give(_ publications: [Publication]) {
        for publication in publications { for index in self.here { self.take(index, publication) } }
    }

    private mutating func releaseIfUnused() {
        guard self.clients.allSatisfy({ $0.presence == .away }) else { return }
        self.stream = nil
        self.onTheWay = []
    }

    // MARK: - Clients

    private mutating func come() {
        guard
            let index = self.clients.indices.filter({ self.clients[$0].presence == .away }).randomElement(
                using: &self.random)
        else { return }
        if self.stream == nil {
            self.stream = ChannelStream(
                history: HistoryOptions(size: 8, ttl: .seconds(1)), limits: SharedStreamLimits(Self.limits))
        }
        var options = SubscribeOptions(flags: self.clients[index].isPositioned ? [.positioned] : [])
        options.since = self.clients[index].at
        options.recovery = .stream
        self.clients[index].presence = .waiting
        let start = self.stream?.join(Waiter(slot: Int32(index), options))
        if let start { self.begin(index, options.since, start) }
    }

    private mutating func go() {
        guard let index = self.clients.indices.randomElement(using: &self.random) else { return }
        if self.clients[index].presence == .waiting { _ = self.stream?.removeWaiter(Int32(index)) }
        self.clients[index].presence = .away
        self.releaseIfUnused()
    }

    private mutating func begin(_ index: Int, _ since: StreamPosition?, _ start: SubscriptionStart) {
        self.clients[index].presence = .here
        if start.wasRecovering != (since != nil) { self.errors.append("\(index) was asked otherwise") }
        if start.recovered {
            self.recoveries += 1
            if start.position != since { self.errors.append("\(index) recovered from elsewhere") }
        } else {
            self.tellGap(index)
            self.clients[index].at = start.position
        }
        for publication in start.publications { self.take(index, publication) }
    }

    private mutating func tellGap(_ index: Int) {
        self.clients[index].at = nil
        self.clients[index].log = []
    }

    private mutating func take(_ index: Int, _ publication: Publication) {
        guard let position = publication.position else { return }
        if let at = self.clients[index].at, at.epoch != position.epoch || at.offset + 1 != position.offset {
            self.errors.append("\(index) was at \(at.offset)\(at.epoch), got \(position.offset)\(position.epoch)")
        }
        self.clients[index].at = position
        self.clients[index].log.append(publication.data)
    }

    // MARK: - The end

    /// Lets all that is under way arrive, and compares what everybody has with what was published.
    private mutating func settle() {
        self.onTheWay = []
        self.stream?.missedSome()
        for _ in 0..<200 {
            self.now += 30
            if self.isRenewing { self.finishRenewal() }
            self.startRead()
            self.executeRead()
            self.finishRead(mayFail: false)
        }
        let top = StreamPosition(offset: self.offset, epoch: self.name)
        for (index, client) in self.clients.enumerated() {
            if client.presence == .waiting { self.errors.append("\(index) waits for ever") }
            guard client.presence == .here else { continue }
            if let at = client.at, at != top { self.errors.append("\(index) ends at \(at), not at \(top)") }
            if client.at == nil, client.isPositioned { self.errors.append("\(index) has no position") }
            let first = self.offset + 1 - UInt64(client.log.count)
            let expected = (first..<self.offset + 1).map { self.contents[StreamPosition(offset: $0, epoch: self.name)] }
            if client.log != expected { self.errors.append("\(index) has other contents") }
        }
    }
}
