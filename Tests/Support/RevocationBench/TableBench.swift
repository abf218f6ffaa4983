// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore
import MartletSessions
import Synchronization

/// Fills a table, asks it, lets it expire, and fills it beyond its bound.
struct TableBench {
    private static let blockSize = 50_000
    /// Look-ups that are timed together, on identities as fresh in the cache as those of a connect.
    private static let lookupsPerBatch = 256
    private static let batches = 8_000

    let entries: Int

    func run() {
        let bench = BenchTable(max: self.entries)
        self.fill(bench)
        self.lookUp(bench)
        self.expire(bench)
        self.evict()
    }

    // MARK: - Memory and insertion

    private func fill(_ bench: BenchTable) {
        let before = BenchTable.residentBytes
        let watch = self.insert(0..<self.entries, bench)
        let bytes = Double(BenchTable.residentBytes - before) / Double(self.entries)
        print("table: \(bench.table.count) entries")
        print(
            String(
                format: "  resident bytes an entry: %.1f (by its own count %.1f)", bytes,
                Double(bench.table.bytes) / Double(self.entries)))
        Self.tell("insert", watch, self.entries)
        precondition(bench.table.floor == nil, "something was evicted")
    }

    /// Each insertion is timed for its worst; their sum then bears the timer's cost too.
    private func insert(_ numbers: Range<Int>, _ bench: BenchTable) -> Stopwatch {
        var watch = Stopwatch()
        for start in stride(from: numbers.lowerBound, to: numbers.upperBound, by: Self.blockSize) {
            let events = (start..<min(start + Self.blockSize, numbers.upperBound)).map(BenchNames.invalidation)
            for event in events { _ = watch.time { bench.table.insert(event, receivedAt: BenchNames.at) } }
        }
        return watch
    }

    // MARK: - Look-ups

    private func lookUp(_ bench: BenchTable) {
        for threads in [1, 2] {
            self.lookUp("none of a user, a session, a token", threads, bench) {
                BenchNames.identity($0, isRevoked: false)
            }
            self.lookUp("a revoked session", threads, bench) { [entries] in
                BenchNames.identity($0 % entries, isRevoked: true)
            }
        }
    }

    private func lookUp(
        _ what: String, _ threads: Int, _ bench: BenchTable, identity: @escaping @Sendable (Int) -> Identity
    ) {
        let results = Mutex<[[Double]]>([])
        let group = DispatchGroup()
        for thread in 0..<threads {
            DispatchQueue.global().async(group: group) {
                let times = Self.time(bench.table, thread, identity)
                results.withLock { $0.append(times) }
            }
        }
        group.wait()
        let times = results.withLock { $0 }.flatMap { $0 }.sorted()
        let mean = times.reduce(0, +) / Double(times.count)
        print(
            String(
                format: "  look-up, %@, %d thread(s): mean %.3f us, p50 %.3f, p99 %.3f", what, threads,
                mean, times[times.count / 2], times[times.count * 99 / 100]))
    }

    /// Microseconds of CPU a verdict, batch by batch.
    private static func time(_ table: RevocationTable, _ thread: Int, _ identity: (Int) -> Identity) -> [Double] {
        var random = SystemRandomNumberGenerator()
        return (0..<Self.batches / 2).map { _ in
            let identities = (0..<Self.lookupsPerBatch).map { _ in identity(Int(random.next() >> 24)) }
            var (watch, revoked) = (Stopwatch(), 0)
            watch.time {
                for identity in identities where table.verdict(for: identity) != .clear { revoked += 1 }
            }
            precondition(revoked == 0 || revoked == Self.lookupsPerBatch, "a wrong verdict")
            return watch.cpu * 1e6 / Double(Self.lookupsPerBatch)
        }
    }

    // MARK: - Going

    private func expire(_ bench: BenchTable) {
        bench.advance(BenchTable.lifetime + 61)
        let done = Atomic<Bool>(false)
        let worst = Mutex(Stopwatch())
        let group = DispatchGroup()
        // Another thread looks up meanwhile: what it waits at most is the pause that counts.
        DispatchQueue.global().async(group: group) {
            var (watch, number) = (Stopwatch(), 0)
            while !done.load(ordering: .relaxed) {
                let identity = BenchNames.identity(number % self.entries, isRevoked: true)
                _ = watch.time { bench.table.verdict(for: identity) }
                number += 97
            }
            worst.withLock { $0 = watch }
        }
        var watch = Stopwatch()
        var calls = 0
        while bench.table.count > 0 {
            watch.time { bench.table.expire() }
            calls += 1
        }
        done.store(true, ordering: .relaxed)
        group.wait()
        Self.tell("expiry in \(calls) slices", watch, calls)
        Self.tell("look-up meanwhile", worst.withLock { $0 }, nil)
        print("  afterwards: \(bench.table.bytes) bytes of the table's own")
    }

    private func evict() {
        let bench = BenchTable(max: self.entries / 10)
        _ = self.insert(0..<self.entries / 10, bench)
        bench.advance(1)
        let watch = self.insert(self.entries..<self.entries + self.entries / 10, bench)
        Self.tell("insert at the bound", watch, self.entries / 10)
        precondition(bench.table.count <= self.entries / 10 && bench.table.floor != nil, "the bound does not hold")
    }

    private static func tell(_ what: String, _ watch: Stopwatch, _ count: Int?) {
        let mean = count.map { String(format: "mean %.3f us, ", watch.cpu * 1e6 / Double($0)) } ?? ""
        print(
            "  \(what): \(mean)"
                + String(
                    format: "worst %.3f ms of CPU, %.3f ms on the clock",
                    watch.worstCPU * 1e3, watch.worstWall * 1e3))
    }
}
