// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Glibc
package import MartletCore
import MartletInstruments

/// One loop: a thread that waits for its sockets, gives their bytes to the delegate and sends what the delegate queues.
///
/// A turn waits for events, gives what came, then attends to every connection that has something to send or to end:
/// what was queued for a connection in the turn leaves in one system call. A long list is attended to in slices, with
/// a turn between them, so that nobody who wants to be read, accepted or heard waits for a thousand others.
///
/// Bytes pass to and from a socket in three places: `InputBuffer.read`, `OutputGather.send` and the end of output in
/// `endOutput`. That is where a layer for encryption goes.
///
/// `wake`, `stop` and what is in `shared` are for every thread. Everything else belongs to the loop's thread, on which
/// the delegate is called: this is why the class is `@unchecked Sendable`, and debug builds assert it.
package final class Reactor: @unchecked Sendable {
    static let tickNanoseconds: Int64 = 100_000_000

    package let configuration: ReactorConfiguration
    package let shared: ReactorShared
    /// To be set before `start`; held from there until the loop ends.
    package weak var delegate: (any ReactorDelegate)?
    /// `Clock.monotonic` as it was when the turn began.
    package internal(set) var now: Int64 = 0
    /// Whether the last turn left connections for later slices: a producer that waits now has what it adds leave together
    /// with what they have already.
    package private(set) var hasUnsentTurn = false

    let table: ConnectionTable
    let frames: FrameTable
    let nodes: OutputNodes
    let gather: OutputGather
    let input: InputBuffer
    let epoll: Epoll
    let thread = ReactorThread()
    private let waker: EventDescriptor

    /// The delegate while the loop runs.
    var handler: (any ReactorDelegate)?
    var listenerSockets: [ListenerSocket] = []
    var reserve = ReserveDescriptor()
    var deadlines = DeadlineWheel()
    private var expired: [Int32] = []
    private var origin: Int64 = 0
    private var nextTick: Int64 = 0

    /// The connections that the end of the turn attends to, in a list through their records.
    var firstListed: Int32 = -1
    var lastListed: Int32 = -1
    /// Bytes that wait in this loop, and how many of them `shared` knows of.
    var pendingTotal = 0
    private var pendingPublished = 0
    var sendsOfTurn = 0
    var bytesSentOfTurn = 0
    var bytesReceivedOfTurn = 0

    package init(configuration: ReactorConfiguration, shared: ReactorShared) throws(ReactorError) {
        self.configuration = configuration
        self.shared = shared
        self.waker = try EventDescriptor()
        self.epoll = try Epoll(eventsMax: configuration.eventsPerTurn)
        self.table = try ConnectionTable(capacity: configuration.slotCapacity, shard: configuration.shard)
        self.frames = try FrameTable()
        self.nodes = try OutputNodes()
        self.gather = try OutputGather()
        self.input = try InputBuffer(keptBytesMax: configuration.inputBytesMax)
    }

    deinit {
        self.epoll.close()
        self.table.unmap()
        self.frames.unmap()
        self.nodes.unmap()
        self.gather.unmap()
        self.input.unmap()
    }

    package var slotCapacity: Int { self.table.capacity }

    /// Connections of this loop.
    package var connectionCount: Int { self.table.count }

    /// Frames that wait in this loop, or were made in this turn.
    package var liveFrameCount: Int { Int(self.frames.liveCount) }

    // MARK: - Life

    /// Listens, and starts the thread. The delegate's first call may come before this returns.
    package func start() throws(ReactorError) {
        guard let delegate = self.delegate else { throw ReactorError("a reactor needs a delegate") }
        self.handler = delegate
        self.now = Clock.monotonic
        self.origin = self.now
        self.nextTick = self.now + Self.tickNanoseconds
        do throws(ReactorError) {
            guard
                self.epoll.add(
                    self.waker.descriptor, .wake, 0, events: Epoll.input | Epoll.edgeTriggered)
            else { throw ReactorError("cannot watch the event descriptor", code: errno) }
            try self.openListeners()
            self.reserve.open()
            try self.thread.start(name: "martlet-\(self.configuration.shard)") { self.run() }
        } catch {
            self.closeListeners()
            self.reserve.close()
            self.handler = nil
            throw error
        }
    }

    /// Ends the loop: what is queued is sent as far as the kernel takes it, every connection is closed and told so, and
    /// the thread is gone when this returns. From the loop's own thread it only asks for the end.
    package func stop() {
        self.thread.requestStop()
        self.waker.wake()
        self.thread.join()
    }

    /// Has the loop call `woken` soon, once for all calls until then.
    package func wake() { self.waker.wake() }

    /// Whether the caller is on the loop's thread, or the loop does not run.
    var isConfined: Bool { self.thread.isCurrentOrNone }

    // MARK: - The loop

    private func run() {
        while !self.thread.mustStop { self.turn() }
        self.closeAll()
        self.publishCounts()
        self.handler = nil
    }

    private func turn() {
        let mayWait = self.waker.fallAsleep() && self.firstListed < 0
        let wait = mayWait ? max(0, self.nextTick - Clock.monotonic) : 0
        let count = self.epoll.wait(milliseconds: Int32(clamping: (wait + 999_999) / 1_000_000))
        let isWoken = self.waker.wakeUp()
        self.now = Clock.monotonic
        for index in 0..<count {
            guard let event = self.epoll.event(index) else { continue }
            switch event.subject {
            case .connection: self.connectionIsReady(event.number, events: event.events)
            case .listener: self.accept(from: Int(event.number))
            case .wake: break
            }
        }
        if isWoken { self.handler?.woken() }
        if self.now >= self.nextTick { self.tick() }
        self.attendSlice()
        self.hasUnsentTurn = self.firstListed >= 0
        self.frames.endTurn()
        self.nodes.trim()
        self.publishCounts()
    }

    private func tick() {
        let ticks = (self.now - self.origin) / Self.tickNanoseconds
        self.nextTick = self.origin + (ticks + 1) * Self.tickNanoseconds
        self.resumeListeners()
        self.deadlines.advance(to: UInt32(clamping: ticks), in: self.table, into: &self.expired)
        for slot in self.expired where self.table[slot].flags.contains(.expired) {
            self.table[slot].flags.remove(.expired)
            if self.table[slot].isOpen {
                self.handler?.deadlineReached(slot)
            } else if self.table[slot].flags.contains(.finishing) {
                self.end(slot, cause: self.table[slot].cause)
            }
        }
        self.expired.removeAll(keepingCapacity: true)
        self.tellWorst()
        self.handler?.ticked()
    }

    /// Tells the other threads what this turn counted; once a turn, because the numbers are shared by all loops.
    private func publishCounts() {
        if self.pendingTotal != self.pendingPublished {
            self.shared.pendingBytes.add(self.pendingTotal - self.pendingPublished)
            self.pendingPublished = self.pendingTotal
        }
        if self.sendsOfTurn > 0 {
            self.shared.sends.add(self.sendsOfTurn)
            self.shared.bytesSent.add(self.bytesSentOfTurn)
            self.sendsOfTurn = 0
            self.bytesSentOfTurn = 0
        }
        if self.bytesReceivedOfTurn > 0 {
            self.shared.bytesReceived.add(self.bytesReceivedOfTurn)
            self.bytesReceivedOfTurn = 0
        }
    }

    // MARK: - Connections by number

    /// Whether the connection may be sent to: it is there, and neither ended nor being ended.
    package func isOpen(_ slot: Int32) -> Bool { self.table.contains(slot) && self.table[slot].isOpen }

    package func id(of slot: Int32) -> ConnectionID { self.table.id(of: slot) }

    /// The slot of a connection that is still open.
    package func slot(of id: ConnectionID) -> Int32? { self.table.slot(of: id) }

    /// Which of the configuration's listeners accepted the connection; nil for an outbound one.
    package func listenerIndex(of slot: Int32) -> Int? {
        guard self.table.contains(slot), self.table[slot].listener != UInt8.max else { return nil }
        return Int(self.table[slot].listener)
    }

    // MARK: - Deadlines

    /// Sets or moves the one deadline of a connection. It comes at the first tick at or after `time`.
    package func setDeadline(_ slot: Int32, at time: Int64) {
        guard self.isOpen(slot) else { return }
        self.setOwnDeadline(slot, at: time)
    }

    package func clearDeadline(_ slot: Int32) {
        guard self.isOpen(slot) else { return }
        self.deadlines.clear(slot, in: self.table)
    }

    /// The same for a connection that is being finished, whose deadline is the loop's.
    func setOwnDeadline(_ slot: Int32, at time: Int64) {
        let later = max(0, time.subtractingReportingOverflow(self.origin).partialValue)
        let tick = later / Self.tickNanoseconds + (later % Self.tickNanoseconds == 0 ? 0 : 1)
        self.deadlines.set(slot, at: UInt32(clamping: tick), in: self.table)
    }
}
