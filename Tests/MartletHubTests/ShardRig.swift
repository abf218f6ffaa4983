// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletInstruments
import MartletReactor
import Synchronization

@testable import MartletHub

/// A shard whose reactor does not run: everything happens on the test's thread, and sends go nowhere.
final class ShardRig {
    final class RecordingBus: Bus {
        private let calls = Mutex<[String]>([])
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
            completion(.failure(.unavailable))
        }

        func removeHistory(_ channel: String, completion: @escaping @Sendable (BusError?) -> Void) {
            completion(.unavailable)
        }

        func renewStream(
            _ channel: String, from epoch: String, completion: @escaping @Sendable (BusError?) -> Void
        ) {
            completion(.unavailable)
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
    }

    /// Remembers what it is told, and may do something in return.
    final class RecordingEdge: ShardEdge {
        var events: [String] = []
        var onSubscribed: (Int32) -> Void = { _ in }

        func subscribed(
            _ slot: Int32, channel: String, ticket: UInt32, _ result: Result<SubscriptionStart, BusError>
        ) {
            let outcome =
                switch result {
                case .success: "subscribed"
                case .failure(let error): "\(error)"
                }
            self.events.append("\(slot) \(channel) #\(ticket) \(outcome)")
            self.onSubscribed(slot)
        }

        func completed(_ slot: Int32, ticket: UInt32, _ completion: Completion) {
            self.events.append("\(slot) completed")
        }

        func lost(_ slot: Int32, channel: String, flags: SubscriptionFlags) {
            self.events.append("\(slot) \(channel) lost")
        }

        func left(_ slot: Int32, channel: String, flags: SubscriptionFlags) {
            self.events.append("\(slot) \(channel) left")
        }

        func perform(_ command: UserCommand, on slots: [Int32]) -> UserOutcome {
            if case .disconnect(_, let notice) = command {
                for slot in slots { self.events.append("\(slot) ended \(notice.code)") }
            }
            return UserOutcome(count: slots.count)
        }

        func emulated(_ slot: Int32, session: String, _ commands: [UInt8]) { self.events.append("\(slot) emulated") }
        func missed(_ slot: Int32, channel: String) { self.events.append("\(slot) \(channel) missed") }
        func end(_ slot: Int32, reason: CloseReason) { self.events.append("\(slot) ended \(reason.code)") }
        func reconfigured(limits: Limits, namespaces: NamespaceTable) { self.events.append("reconfigured") }
        func keysRefreshed() { self.events.append("keys") }
        func drain(window: Duration) { self.events.append("drain") }

        func take() -> [String] {
            defer { self.events = [] }
            return self.events
        }
    }

    let metrics: HubMetrics
    let bus = RecordingBus()
    let edge = RecordingEdge()
    let hub: Hub
    let shard: Shard

    init(limits: Limits = Limits()) throws {
        var settings = ReactorConfiguration()
        settings.slotCapacity = 64
        let reactor = try Reactor(configuration: settings, shared: ReactorShared())
        let mailbox = Mailbox<ShardMessage>(dataMax: limits.mailboxMax) { reactor.wake() }
        self.metrics = HubMetrics(MetricsRegistry())
        self.hub = Hub(mailboxes: [mailbox], metrics: self.metrics) { _ in }
        self.shard = Shard(
            index: 0, reactor: reactor, mailbox: mailbox, bus: self.bus, limits: limits, metrics: self.metrics)
        self.shard.edge = self.edge
    }

    func register(_ slots: Range<Int32>) {
        for slot in slots { self.shard.register(slot, identity: Identity(user: "u\(slot)"), format: .jsonRPC) }
    }

    /// What the bus acknowledges, as the shard sees it.
    func acknowledge(_ channel: String, _ error: BusError? = nil) {
        self.hub.subscribed(channel, shards: [0], error: error)
        self.shard.processMailbox()
    }
}
