// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Synchronization

@testable import MartletHub

/// Remembers what it was asked for, and answers reads of streams when the test says so.
final class RecordingBus: Bus {
    struct Asked: Sendable {
        var channel: String
        var query: HistoryQuery
        var completion: @Sendable (Result<HistoryPage, BusError>) -> Void
    }

    private let calls = Mutex<[String]>([])
    private let asked = Mutex<[Asked]>([])
    private let renewals = Mutex<[@Sendable (BusError?) -> Void]>([])
    private let completions = Mutex<[@Sendable (Result<StreamPosition?, BusError>) -> Void]>([])

    var health: BusHealth { .healthy }

    func subscribe(_ channel: String, shard: Int) { self.calls.withLock { $0.append("+\(channel)") } }
    func unsubscribe(_ channel: String, shard: Int) { self.calls.withLock { $0.append("-\(channel)") } }

    func publish(
        _ publication: Publication, _ options: PublishOptions,
        completion: @escaping @Sendable (Result<StreamPosition?, BusError>) -> Void
    ) {
        self.completions.withLock { $0.append(completion) }
    }

    func history(
        _ channel: String, _ query: HistoryQuery,
        completion: @escaping @Sendable (Result<HistoryPage, BusError>) -> Void
    ) {
        self.asked.withLock { $0.append(Asked(channel: channel, query: query, completion: completion)) }
    }

    func removeHistory(_ channel: String, completion: @escaping @Sendable (BusError?) -> Void) {
        completion(.unavailable)
    }

    func renewStream(
        _ channel: String, from epoch: String, completion: @escaping @Sendable (BusError?) -> Void
    ) {
        self.calls.withLock { $0.append("renew \(channel) \(epoch)") }
        self.renewals.withLock { $0.append(completion) }
    }

    func enter(_ channel: String, client: String, info: [UInt8]) {}
    func leave(_ channel: String, client: String) {}

    func presence(
        _ channel: String, completion: @escaping @Sendable (Result<[PresenceEntry], BusError>) -> Void
    ) {
        completion(.failure(.unavailable))
    }

    func presenceStats(
        _ channel: String, completion: @escaping @Sendable (Result<PresenceStats, BusError>) -> Void
    ) {
        completion(.failure(.unavailable))
    }

    func send(
        _ message: [UInt8], to node: String, completion: @escaping @Sendable (Result<Bool, BusError>) -> Void
    ) {
        completion(.failure(.unavailable))
    }

    func broadcast(_ message: [UInt8], completion: @escaping @Sendable (BusError?) -> Void) { completion(nil) }

    /// What was asked for since the last time.
    func take() -> [String] {
        self.calls.withLock { calls in
            defer { calls = [] }
            return calls
        }
    }

    /// The reads asked for since the last time.
    func takeReads() -> [Asked] {
        self.asked.withLock { asked in
            defer { asked = [] }
            return asked
        }
    }

    func finishRenewals() {
        let waiting = self.renewals.withLock { renewals in
            defer { renewals = [] }
            return renewals
        }
        for completion in waiting { completion(nil) }
    }
}
