// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletHub
import Synchronization

/// What is wrong with each connection, for whoever asks from any thread.
final class RedisBusHealth: Sendable {
    private struct Faults: Sendable {
        var commands: String? = "connecting"
        var subscriber: String? = "connecting"
    }

    private let faults = Mutex(Faults())
    private let opens = Atomic<Int>(0)
    private let restorations = Atomic<Int>(0)

    /// How often the connection for commands was made.
    var commandOpens: Int { self.opens.load(ordering: .relaxed) }

    /// How often all subscriptions were made anew; nil while they are not.
    var subscriptions: Int? {
        let count = self.restorations.load(ordering: .acquiring)
        return self.faults.withLock { $0.subscriber } == nil ? count : nil
    }

    /// All that is to be subscribed is subscribed.
    func subscribed() {
        self.restorations.add(1, ordering: .releasing)
        self.set(.subscriber, nil)
    }

    func set(_ connection: RedisBusMetrics.Connection, _ fault: String?) {
        if connection == .commands, fault == nil { self.opens.add(1, ordering: .relaxed) }
        self.faults.withLock { faults in
            switch connection {
            case .commands: faults.commands = fault
            case .subscriber: faults.subscriber = fault
            }
        }
    }

    var current: BusHealth {
        let faults = self.faults.withLock { $0 }
        switch (faults.commands, faults.subscriber) {
        case (nil, nil): return .healthy
        case (let fault?, nil): return .degraded("redis: commands: \(fault)")
        case (nil, let fault?): return .degraded("redis: subscriptions: \(fault)")
        case (let first?, let second?):
            return .degraded(
                first == second ? "redis: \(first)" : "redis: commands: \(first); subscriptions: \(second)")
        }
    }
}
