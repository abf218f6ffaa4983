// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import AllocationCounter
import Foundation
import MartletCore
import MartletInstruments
import MartletReactor
import Synchronization

/// The server, and what is asked of it.
final class Bench: ReactorDelegate, @unchecked Sendable {
    private struct Cost: Sendable {
        var deliveries = 0
        var frames = 0
        var nanosecondsOfEnqueue: Int64 = 0
    }

    private let connections: Int
    private let shared = ReactorShared()
    private let listener: Listener
    private let reactor: Reactor
    private var slots: [Int32] = []
    private let payload = [UInt8](repeating: 0x61, count: 132)
    private let job = Mutex<(@Sendable () -> Void)?>(nil)
    private var failures: [String] = []

    init(connections: Int) throws {
        self.connections = connections
        self.listener = try Listener.bind(SocketAddress(PeerAddress(v4: 0x7F00_0001)), shards: 1)
        var configuration = ReactorConfiguration(shard: 0, listeners: [self.listener])
        configuration.pendingBytesMax = 1 << 26
        self.reactor = try Reactor(configuration: configuration, shared: self.shared)
        self.slots.reserveCapacity(connections)
        self.reactor.delegate = self
    }

    /// False where something allocates that must not.
    func run() throws -> Bool {
        try self.reactor.start()
        defer { self.reactor.stop() }
        let peers = Process()
        peers.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        peers.arguments = ["peers", "\(self.listener.address.port)", "\(self.connections)"]
        let commands = Pipe()
        peers.standardInput = commands
        try peers.run()
        defer {
            try? commands.fileHandleForWriting.close()
            peers.waitUntilExit()
        }
        let tell = { (line: String) in try commands.fileHandleForWriting.write(contentsOf: Data("\(line)\n".utf8)) }

        try tell("1000")
        self.wait { self.shared.openConnections.current >= 1000 }
        self.measureIdle(from: 1000, tell)
        self.measureReads(tell)
        self.measureDeliveries(turns: 20, framesPerTurn: 1)
        self.measureDeliveries(turns: 20, framesPerTurn: 16)
        for failure in self.failures { print("FAILED: \(failure)") }
        return self.failures.isEmpty
    }

    // MARK: - Measurements

    private func measureIdle(from first: Int, _ tell: (String) throws -> Void) {
        self.settle()
        let (bytes, allocations, time) = (Self.residentBytes, martlet_allocations(), Self.processTime)
        try? tell("\(self.connections)")
        self.wait { self.shared.openConnections.current >= self.connections }
        self.settle()
        let count = self.connections - first
        let allocated = martlet_allocations() - allocations
        print("connections: \(self.connections)")
        print("resident bytes per idle connection: \((Self.residentBytes - bytes) / count)")
        print("CPU per accept: \(Self.format(Double(Self.processTime - time) / Double(count) / 1000)) us")
        self.check("allocations per idle connection", allocated, per: count)
    }

    private func measureReads(_ tell: (String) throws -> Void) {
        // Once without counting, so that what is allocated once is.
        for round in 0..<2 {
            let (received, allocations) = (self.shared.bytesReceived.total, martlet_allocations())
            try? tell("send")
            self.wait { self.shared.bytesReceived.total - received >= 32 * self.connections }
            if round == 1 {
                self.check("allocations per read", martlet_allocations() - allocations, per: self.connections)
            }
        }
    }

    private func measureDeliveries(turns: Int, framesPerTurn: Int) {
        // Once without counting, so that what is allocated once is.
        let before = self.shared.bytesSent.total
        let first = self.deliver(framesPerTurn)
        self.wait { self.shared.bytesSent.total >= before + first.deliveries * self.payload.count }
        let (allocations, time, sends) = (martlet_allocations(), Self.processTime, self.shared.sends.total)
        let bytes = self.shared.bytesSent.total
        var cost = Cost()
        for _ in 0..<turns {
            let one = self.deliver(framesPerTurn)
            let sent = bytes + (cost.deliveries + one.deliveries) * self.payload.count
            self.wait { self.shared.bytesSent.total >= sent }
            cost.deliveries += one.deliveries
            cost.frames += one.frames
            cost.nanosecondsOfEnqueue += one.nanosecondsOfEnqueue
        }
        let allocated = martlet_allocations() - allocations - cost.frames
        let perDelivery = Double(Self.processTime - time) / Double(cost.deliveries) / 1000
        let enqueue = Double(cost.nanosecondsOfEnqueue) / Double(cost.deliveries)
        print("\(framesPerTurn) frames a turn to \(self.slots.count) connections, \(turns) turns:")
        print("  \(Self.format(enqueue)) ns per enqueue, \(Self.format(perDelivery)) us of CPU per delivery")
        print("  \(self.shared.sends.total - sends) sends for \(cost.deliveries) deliveries")
        self.check("  allocations per delivery", allocated, per: cost.deliveries)
    }

    /// Queues frames for everybody in one turn, and waits until all left.
    @discardableResult
    private func deliver(_ frames: Int) -> Cost {
        let done = DispatchSemaphore(value: 0)
        let result = Mutex(Cost())
        self.job.withLock {
            $0 = {
                var cost = Cost()
                let (reactor, slots) = (self.reactor, self.slots)
                for _ in 0..<frames {
                    let frame = reactor.frame(self.payload)
                    let start = Clock.monotonic
                    for slot in slots { reactor.enqueue(frame, to: slot) }
                    cost.nanosecondsOfEnqueue += Clock.monotonic - start
                    cost.deliveries += slots.count
                    cost.frames += 1
                }
                result.withLock { $0 = cost }
                done.signal()
            }
        }
        self.reactor.wake()
        done.wait()
        return result.withLock { $0 }
    }

    private func check(_ name: String, _ allocations: Int, per count: Int) {
        let each = Double(allocations) / Double(count)
        print("\(name): \(Self.format(each)) (\(allocations) in all)")
        // The measuring itself allocates a little, once.
        if each >= 0.01 { self.failures.append("\(name.trimmingCharacters(in: .whitespaces)): \(Self.format(each))") }
    }

    // MARK: - Help

    private func wait(_ condition: () -> Bool) {
        let end = ContinuousClock.now + .seconds(30)
        while !condition() {
            guard ContinuousClock.now < end else {
                print("FAILED: gave up waiting")
                exit(EXIT_FAILURE)
            }
            usleep(1_000)
        }
    }

    private func settle() { usleep(300_000) }

    private static func format(_ number: Double) -> String { String(format: "%.2f", number) }

    /// Nanoseconds of CPU, the kernel's for us included.
    private static var processTime: Int {
        var time = timespec()
        // The system writes into a local variable.
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    /// Private resident memory.
    private static var residentBytes: Int {
        let text = (try? String(contentsOfFile: "/proc/self/smaps_rollup", encoding: .utf8)) ?? ""
        for line in text.split(separator: "\n") where line.hasPrefix("Pss:") {
            return (line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
        }
        return 0
    }

    // MARK: - ReactorDelegate

    func accepted(_ slot: Int32, address: PeerAddress) { self.slots.append(slot) }
    func received(_ slot: Int32, _ bytes: inout MutableSpan<UInt8>) -> Int { bytes.count }
    func deadlineReached(_ slot: Int32) {}
    func overflowed(_ slot: Int32) {}
    func closed(_ slot: Int32, cause: ReactorCloseCause) {}
    func ticked() {}

    func woken() {
        let job = self.job.withLock { job in
            defer { job = nil }
            return job
        }
        job?()
    }
}
