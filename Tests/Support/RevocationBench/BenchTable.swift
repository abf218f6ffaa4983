// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletSessions
import Synchronization

/// A table on a clock that the bench sets.
final class BenchTable: Sendable {
    static let lifetime = 3_600
    private let seconds: BenchClock
    let table: RevocationTable

    private final class BenchClock: Sendable {
        let seconds = Atomic<Int>(1_000)
    }

    init(max: Int) {
        let clock = BenchClock()
        self.seconds = clock
        self.table = RevocationTable(
            max: max, tokenLifetimeMax: .seconds(Self.lifetime),
            wall: { BenchNames.at + Double(clock.seconds.load(ordering: .relaxed) - 1_000) },
            monotonic: { Int64(clock.seconds.load(ordering: .relaxed)) * 1_000_000_000 })
    }

    func advance(_ seconds: Int) { self.seconds.seconds.add(seconds, ordering: .relaxed) }

    /// Resident bytes of the process.
    static var residentBytes: Int {
        let fields = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return fields.flatMap { $0.count > 1 ? Int($0[1]) : nil }.map { $0 * 4_096 } ?? 0
    }
}
