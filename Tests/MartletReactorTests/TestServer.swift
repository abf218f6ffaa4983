// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletInstruments
import MartletReactor
import Synchronization

/// A reactor on a free loopback port, whose delegate does what the test's closures say.
///
/// The closures are called on the loop's thread. `run` does something there and waits for its result.
final class TestServer: ReactorDelegate, @unchecked Sendable {
    struct Event: Equatable {
        var slot: Int32
        var id: ConnectionID
        var cause: ReactorCloseCause?
    }

    let reactor: Reactor
    let shared: ReactorShared
    let address: SocketAddress

    var onAccepted: (Int32, PeerAddress) -> Void = { _, _ in }
    var onReceived: (Int32, inout MutableSpan<UInt8>) -> Int = { _, bytes in bytes.count }
    var onDeadline: (Int32) -> Void = { _ in }
    var onOverflowed: (Int32) -> Void = { _ in }
    var onClosed: (Int32, ReactorCloseCause) -> Void = { _, _ in }
    var onTicked: () -> Void = {}

    private let jobs = Mutex<[@Sendable () -> Void]>([])
    private let openedEvents = Mutex<[Event]>([])
    private let closedEvents = Mutex<[Event]>([])
    let wakeCount = Counter()

    convenience init(
        listens: Bool = true, listenOptions: SocketOptions = SocketOptions(),
        configure: (inout ReactorConfiguration) -> Void = { _ in }
    ) throws {
        let loopback = SocketAddress(PeerAddress(v4: 0x7F00_0001))
        let listener = try Listener.bind(loopback, shards: 1, options: listenOptions)
        try self.init(
            listener: listener, shard: 0, shared: ReactorShared(), listens: listens, configure: configure)
    }

    init(
        listener: Listener, shard: UInt8, shared: ReactorShared, listens: Bool = true,
        configure: (inout ReactorConfiguration) -> Void = { _ in }
    ) throws {
        self.address = listener.address
        var configuration = ReactorConfiguration(shard: shard, listeners: listens ? [listener] : [])
        configuration.slotCapacity = 16_384
        configure(&configuration)
        self.shared = shared
        self.reactor = try Reactor(configuration: configuration, shared: shared)
        self.reactor.delegate = self
    }

    func start() throws { try self.reactor.start() }
    func stop() { self.reactor.stop() }

    var opened: [Event] { self.openedEvents.withLock { $0 } }
    var closed: [Event] { self.closedEvents.withLock { $0 } }

    /// Does something on the loop's thread and waits for what it returns.
    func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) -> Result {
        let answer = Answer<Result>()
        self.jobs.withLock { $0.append { answer.give(body()) } }
        self.reactor.wake()
        return answer.wait()
    }

    // MARK: - ReactorDelegate

    func accepted(_ slot: Int32, address: PeerAddress) {
        self.openedEvents.withLock { $0.append(Event(slot: slot, id: self.reactor.id(of: slot))) }
        self.onAccepted(slot, address)
    }

    func received(_ slot: Int32, _ bytes: inout MutableSpan<UInt8>) -> Int { self.onReceived(slot, &bytes) }
    func deadlineReached(_ slot: Int32) { self.onDeadline(slot) }
    func overflowed(_ slot: Int32) { self.onOverflowed(slot) }

    func closed(_ slot: Int32, cause: ReactorCloseCause) {
        self.closedEvents.withLock { $0.append(Event(slot: slot, id: self.reactor.id(of: slot), cause: cause)) }
        self.onClosed(slot, cause)
    }

    func woken() {
        self.wakeCount.add()
        let jobs = self.jobs.withLock { jobs in
            defer { jobs = [] }
            return jobs
        }
        for job in jobs { job() }
    }

    func ticked() { self.onTicked() }
}
