// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore

/// One channel's stream as a shard follows it, without any I/O: live publications, pages read and subscribers in;
/// what is to be delivered, and what is to be read, out.
///
/// There is one position for all subscribers of the channel in the shard: each has been handed everything up to it, or
/// has been told that it was not. Live publications move it one by one; whatever else they do, a read since the
/// position decides. At most one read is under way, and a page is used for all that it is good for: to catch up, to
/// start those who wait, and as the tail from which others start without a read.
final class ChannelStream {
    enum Phase: UInt8 {
        /// No position yet, and no subscribers: live publications are held until the first read.
        case opening
        /// No position, but subscribers that have none either: the next live publication, or a read, gives one.
        case adrift
        /// A new epoch is being made; live publications are held until it is.
        case renewing
        case following
    }

    enum Place: UInt8 {
        case none
        case checks
        case urgent
    }

    /// Why a read is wanted though nobody waits for it.
    private enum Suspicion: UInt8 {
        case none
        /// It is time to compare, no more.
        case check
        /// Publications may have been missed.
        case gap
    }

    /// An object of its own, as few streams have one at a time.
    private final class Reading {
        let number: UInt64
        let query: HistoryQuery
        /// The least that the stream's top must be, unless it went back; nil where nothing was known.
        let mark: StreamPosition?
        /// Publications that were held when it began.
        let heldCount: Int
        /// Whether there is something to be caught up with.
        let isNeeded: Bool

        init(number: UInt64, query: HistoryQuery, mark: StreamPosition?, heldCount: Int, isNeeded: Bool) {
            self.number = number
            self.query = query
            self.mark = mark
            self.heldCount = heldCount
            self.isNeeded = isNeeded
        }
    }

    private let shared: SharedStreamLimits
    var history: HistoryOptions
    // There may be one of these for every connection: what is small lies together.
    /// Time between comparisons of the position in milliseconds; below zero for the shard's own.
    private var checkMilliseconds: Int32 = -1
    /// In milliseconds that begin again after seven weeks.
    private var checkedAt: UInt32 = 0
    /// Where the shard has it in its queue of reads.
    var place = Place.none
    private(set) var keepsTail = false
    private(set) var phase: Phase
    private var suspicion = Suspicion.none
    private var isQuiet = false
    /// Whether subscribers have been told of a gap, and have been given nothing since.
    private var isGapTold = false
    /// Whether more came than may be held.
    private var hasDropped = false
    private var failureCount: UInt16 = 0

    private(set) var position = StreamPosition()
    private(set) var waiters: [Waiter] = []
    private(set) var retryAt: Int64 = 0
    private var reading: Reading?
    /// The highest offset that came live in this epoch. What reads ran ahead of still comes, and means nothing.
    private var seen: UInt64 = 0
    private var held: [Publication] = []
    private var heldBytes = 0
    /// The latest publications without a hole, up to the position.
    private var tail = StreamTail()
    private var tailEndsAt: Int64 = 0

    /// - Parameter hasSubscribers: The channel had subscribers before it had a stream.
    init(history: HistoryOptions, limits: SharedStreamLimits, hasSubscribers: Bool = false) {
        self.history = history
        self.shared = limits
        self.phase = hasSubscribers ? .adrift : .opening
    }

    private var limits: StreamLimits { self.shared.value }

    /// Time between comparisons of the position while nothing comes; zero for never, nil for the shard's own.
    var checkInterval: Duration? {
        get { self.checkMilliseconds < 0 ? nil : .milliseconds(self.checkMilliseconds) }
        set { self.checkMilliseconds = newValue.map { Int32(clamping: $0.nanoseconds / 1_000_000) } ?? -1 }
    }

    /// Where all subscribers are, once that is known.
    var known: StreamPosition? { self.phase == .following ? self.position : nil }

    // MARK: - Subscribers

    /// With what a subscription begins at once; nil where it waits for a read.
    func join(_ waiter: Waiter) -> SubscriptionStart? {
        if self.phase == .following, let start = self.start(waiter, top: 0) { return start }
        self.waiters.append(waiter)
        return nil
    }

    /// Takes back what a connection waits for, if it does.
    func removeWaiter(_ slot: Int32) -> Waiter? {
        guard let index = self.waiters.firstIndex(where: { $0.slot == slot }) else { return nil }
        return self.waiters.remove(at: index)
    }

    func removeAllWaiters() -> [Waiter] {
        defer { self.waiters = [] }
        return self.waiters
    }

    // MARK: - Live publications

    /// Whether a publication goes to the subscribers now. One without a position does not concern the stream.
    func takes(_ publication: Publication) -> Bool {
        guard let at = publication.position else { return true }
        switch self.phase {
        case .adrift:
            self.follow(at, tail: [])
            self.seen = at.offset
            return true
        case .following where at.epoch == self.position.epoch:
            if at.offset == self.position.offset &+ 1 {
                self.seen = at.offset
                self.advance(publication, isKept: self.keepsTail || self.reading != nil)
                return true
            }
            if at.offset <= self.position.offset {
                // Seen twice, the same number may stand for something else: the stream may have gone back.
                if at.offset <= self.seen { self.suspicion = .gap } else { self.seen = at.offset }
                return false
            }
            self.hold(publication)
        case .opening, .renewing, .following: self.hold(publication)
        }
        return false
    }

    private func advance(_ publication: Publication, isKept: Bool) {
        self.position.offset &+= 1
        self.isQuiet = false
        guard isKept else { return }
        self.tail.append(publication)
        self.trimTail()
    }

    private func hold(_ publication: Publication) {
        guard self.held.count < self.limits.heldPublicationsMax,
            self.heldBytes + publication.data.count <= self.limits.heldBytesMax
        else {
            // The history has them too.
            self.releaseHeld()
            self.hasDropped = true
            return
        }
        self.held.append(publication)
        self.heldBytes += publication.data.count
    }

    private func releaseHeld() {
        self.held = []
        self.heldBytes = 0
    }

    /// What was held, as far as it can be delivered now; to be called when a step has been carried out.
    func resume() -> [Publication] {
        guard !self.held.isEmpty, self.phase == .following || self.phase == .adrift else { return [] }
        let waiting = self.held
        self.releaseHeld()
        return waiting.filter { self.takes($0) }
    }

    // MARK: - Reads

    /// Live publications may not have arrived.
    func missedSome() {
        self.suspicion = .gap
        self.retryAt = 0
    }

    /// Asks for a comparison of the position where nothing came since the last call that was due.
    ///
    /// - Parameter round: Time between calls, in nanoseconds; a stream whose own interval is longer lets some pass.
    func check(now: Int64, round: Int64) {
        let interval = (self.checkInterval ?? self.limits.checkInterval).nanoseconds
        let milliseconds = UInt32(truncatingIfNeeded: now / 1_000_000)
        let elapsed = Int64(milliseconds &- self.checkedAt) * 1_000_000
        guard interval > 0, interval <= round || elapsed >= interval - round / 2 else { return }
        self.checkedAt = milliseconds
        if self.isQuiet, self.suspicion == .none, self.phase == .following || self.phase == .adrift {
            self.suspicion = .check
        }
        self.isQuiet = true
    }

    func wantsRead(now: Int64) -> Bool {
        guard self.reading == nil, now >= self.retryAt else { return false }
        switch self.phase {
        case .opening: return true
        case .renewing: return false
        case .adrift, .following: return self.suspicion != .none || self.isBehind || !self.waiters.isEmpty
        }
    }

    /// Whether the read that is wanted is no more than a comparison.
    var wantsCheckOnly: Bool { self.suspicion == .check && !self.isBehind && self.waiters.isEmpty }

    /// Whether there is something to be caught up with.
    private var isBehind: Bool { self.suspicion == .gap || !self.held.isEmpty || self.hasDropped }

    func beginRead(_ number: UInt64) -> HistoryQuery {
        let query = self.query()
        for index in self.waiters.indices where self.isAnswered(self.waiters[index], by: query) {
            self.waiters[index].isAsked = true
        }
        self.reading = Reading(
            number: number, query: query, mark: self.mark, heldCount: self.held.count, isNeeded: self.isBehind)
        self.suspicion = .none
        self.hasDropped = false
        return query
    }

    /// What has certainly been published in this epoch.
    private var mark: StreamPosition? {
        guard self.phase == .following else { return nil }
        let offsets = self.held.lazy.filter { $0.epoch == self.position.epoch }.compactMap { $0.offset }
        return StreamPosition(offset: max(self.position.offset, offsets.max() ?? 0), epoch: self.position.epoch)
    }

    private func query() -> HistoryQuery {
        guard self.phase == .following else { return self.openingQuery() }
        let wanted = self.waiters.lazy.filter { self.isWithinReach($0) }.compactMap { $0.since?.offset }
        let lowest = min(self.position.offset, wanted.min() ?? .max)
        let isForLatest =
            lowest == self.position.offset && self.suspicion == .none && !self.isBehind
            && self.waiters.contains { $0.recovery == .cache }
        if isForLatest { return HistoryQuery(limit: 1, isReverse: true, history: self.history) }
        return HistoryQuery(
            since: StreamPosition(offset: lowest, epoch: self.position.epoch),
            limit: self.limits.recoveryPublicationsMax, history: self.history)
    }

    /// Before anything is known of the stream, only positions with an epoch can be asked for.
    private func openingQuery() -> HistoryQuery {
        let wanted = self.waiters.filter { $0.recovery == .stream && $0.since?.epoch.isEmpty == false }
        guard let epoch = wanted.first?.since?.epoch,
            let lowest = wanted.filter({ $0.since?.epoch == epoch }).compactMap({ $0.since?.offset }).min()
        else {
            let isForLatest = self.waiters.contains { $0.recovery == .cache && $0.since != nil }
            return HistoryQuery(limit: isForLatest ? 1 : 0, isReverse: isForLatest, history: self.history)
        }
        return HistoryQuery(
            since: StreamPosition(offset: lowest, epoch: epoch), limit: self.limits.recoveryPublicationsMax,
            history: self.history)
    }

    private func isWithinReach(_ waiter: Waiter) -> Bool {
        guard waiter.recovery == .stream, let since = waiter.since, self.isOfEpoch(since) else { return false }
        return since.offset < self.position.offset
            && self.position.offset - since.offset <= UInt64(self.limits.recoveryPublicationsMax)
    }

    private func isAnswered(_ waiter: Waiter, by query: HistoryQuery) -> Bool {
        guard waiter.since != nil else { return true }
        if waiter.recovery == .cache { return query.isReverse }
        guard let since = waiter.since, let start = query.since else { return false }
        return start.offset <= since.offset
            && (start.epoch == since.epoch || self.phase == .following && since.epoch.isEmpty)
    }

    private func isOfEpoch(_ since: StreamPosition) -> Bool {
        since.epoch.isEmpty || since.epoch == self.position.epoch
    }

    // MARK: - Pages

    /// What the outcome of a read leads to; nil where it is not the one under way.
    func completeRead(_ number: UInt64, _ result: Result<HistoryPage, BusError>, now: Int64) -> StreamStep? {
        guard let reading = self.reading, reading.number == number else { return nil }
        self.reading = nil
        var step = StreamStep()
        switch result {
        case .failure(let error):
            self.fail(reading, error, now, &step)
            self.keepTail(now, isUsed: false)
        case .success(let page):
            self.failureCount = 0
            self.retryAt = 0
            self.apply(page, reading, &step)
            if self.phase == .following { self.startWaiters(top: page.top.offset, &step) }
            self.dropStale(reading.heldCount, epoch: page.top.epoch)
            self.keepTail(now, isUsed: !step.starts.isEmpty || !step.deliveries.isEmpty)
        }
        return step
    }

    private func apply(_ page: HistoryPage, _ reading: Reading, _ step: inout StreamStep) {
        let run = page.run
        switch self.phase {
        case .renewing: break
        case .opening: self.follow(page.top, tail: run)
        case .adrift:
            // What the subscribers were given ends anywhere before this.
            step.isLost = !self.isGapTold
            self.follow(page.top, tail: run)
        case .following:
            guard let mark = reading.mark else {
                // A live publication gave the position meanwhile; a read since then says more.
                return self.readAgain()
            }
            guard page.top.epoch == self.position.epoch else {
                step.isLost = true
                return self.follow(page.top, tail: run)
            }
            guard page.top.offset >= mark.offset else {
                step.isLost = true
                step.renewal = self.position.epoch
                self.phase = .renewing
                self.isGapTold = true
                self.tail.clear()
                return self.releaseHeld()
            }
            self.catchUp(
                page.top, run, reading.query, isFull: page.publications.count >= reading.query.limit ?? .max, &step)
        }
    }

    /// The page did not reach as far as what it told of.
    private func readAgain() {
        self.suspicion = .gap
        for index in self.waiters.indices { self.waiters[index].isAsked = false }
    }

    private func catchUp(
        _ top: StreamPosition, _ run: ArraySlice<Publication>, _ query: HistoryQuery, isFull: Bool,
        _ step: inout StreamStep
    ) {
        let newer = run.drop { $0.offset ?? 0 <= self.position.offset }
        self.tail.prepend(run[..<newer.startIndex], endingAt: self.position.offset)
        if let first = newer.first?.offset, first != self.position.offset &+ 1 {
            if query.isReverse { return self.readAgain() }
            // What stands between is kept no more.
            step.isLost = true
            return self.follow(top, tail: run)
        }
        for publication in newer { self.advance(publication, isKept: true) }
        step.deliveries.append(contentsOf: newer)
        guard self.position.offset < top.offset else { return }
        if isFull || query.isReverse || !newer.isEmpty { return self.readAgain() }
        step.isLost = true
        self.follow(top, tail: run)
    }

    /// Takes the stream up at a place.
    private func follow(_ position: StreamPosition, tail: ArraySlice<Publication>) {
        if position.epoch != self.position.epoch { self.seen = 0 }
        self.phase = .following
        self.position = position
        self.isQuiet = false
        self.tail.clear()
        if tail.last?.offset == position.offset { self.tail.append(contentsOf: tail) }
    }

    private func startWaiters(top: UInt64, _ step: inout StreamStep) {
        var rest: [Waiter] = []
        for waiter in self.waiters {
            if let start = self.start(waiter, top: top) {
                step.starts.append(StreamStep.Start(waiter: waiter, start: start))
            } else {
                rest.append(waiter)
            }
        }
        self.waiters = rest
    }

    /// Held publications of an epoch that has ended will never be delivered.
    private func dropStale(_ count: Int, epoch: String) {
        guard !self.held.isEmpty else { return }
        self.held = self.held.enumerated().filter { $0.offset >= count || $0.element.epoch == epoch }.map(\.element)
        self.heldBytes = self.held.reduce(0) { $0 + $1.data.count }
    }

    private func fail(_ reading: Reading, _ error: BusError, _ now: Int64, _ step: inout StreamStep) {
        step.failures = self.removeAllWaiters()
        step.error = error
        switch self.phase {
        case .opening: self.releaseHeld()
        case .renewing, .adrift: break
        case .following:
            guard reading.isNeeded || self.isBehind else { return }
            self.failureCount = min(self.failureCount, .max - 1) + 1
            self.suspicion = .gap
            let doublings = Int64(1) << Int64(min(self.failureCount - 1, 20))
            let wait = self.limits.retryBase.nanoseconds.multipliedReportingOverflow(by: doublings)
            let ceiling = self.limits.retryCeiling.nanoseconds
            self.retryAt = now + (wait.overflow ? ceiling : min(ceiling, wait.partialValue))
            guard Int(self.failureCount) >= self.limits.readFailuresMax else { return }
            // Better to be told than to be left without messages.
            step.isLost = true
            self.phase = .adrift
            self.isGapTold = true
            self.suspicion = .none
            self.hasDropped = false
            self.failureCount = 0
            self.retryAt = 0
            self.tail.clear()
        }
    }

    /// The attempt to begin a new epoch has ended, whatever came of it. To be followed by `resume`.
    func renewed() {
        guard self.phase == .renewing else { return }
        self.phase = .adrift
        self.suspicion = .gap
    }

    // MARK: - Starts

    /// - Parameter top: Where a read found the stream, for waiters that are ahead of the shard.
    private func start(_ waiter: Waiter, top: UInt64) -> SubscriptionStart? {
        var start = SubscriptionStart(position: self.position)
        guard let since = waiter.since else { return start }
        start.wasRecovering = true
        if waiter.recovery == .cache { return self.startWithLatest(waiter, since, start) }
        guard self.isOfEpoch(since) else { return start }
        if since.offset > self.position.offset {
            // It may have been handed elsewhere what is still on its way here.
            return waiter.isAsked && since.offset > top ? start : nil
        }
        let missed = self.position.offset - since.offset
        guard missed <= UInt64(self.limits.recoveryPublicationsMax) else { return start }
        guard let publications = self.tail.last(Int(missed)) else { return waiter.isAsked ? start : nil }
        guard publications.reduce(0, { $0 + $1.data.count }) <= self.limits.recoveryBytesMax else { return start }
        start.recovered = true
        start.publications = publications
        start.position?.offset = since.offset
        return start
    }

    private func startWithLatest(
        _ waiter: Waiter, _ since: StreamPosition, _ unrecovered: SubscriptionStart
    ) -> SubscriptionStart? {
        var start = unrecovered
        guard self.position.offset > 0 else { return start }
        if since.offset == self.position.offset, self.isOfEpoch(since) {
            start.recovered = true
            return start
        }
        guard let latest = self.tail.last(1) else { return waiter.isAsked ? start : nil }
        start.recovered = true
        start.publications = latest
        return start
    }

    // MARK: - The tail

    private func trimTail() {
        // Those who wait may need all of it.
        let bytesMax = self.waiters.isEmpty ? self.limits.tailBytesMax : .max
        self.tail.trim(countMax: self.limits.recoveryPublicationsMax, bytesMax: bytesMax)
    }

    private func keepTail(_ now: Int64, isUsed: Bool) {
        self.trimTail()
        if isUsed, !self.tail.isEmpty {
            self.tailEndsAt = now + self.limits.tailLifetime.nanoseconds
            self.keepsTail = true
        } else if !self.keepsTail {
            self.tail.clear()
        }
    }

    /// Drops the tail where its time has come; whether it did.
    func expireTail(now: Int64) -> Bool {
        guard self.reading == nil, now >= self.tailEndsAt else { return false }
        self.tail.clear()
        self.keepsTail = false
        return true
    }
}
