// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletInstruments
import MartletReactor

@testable import MartletHub

extension StreamLimits {
    static func with(_ change: (inout StreamLimits) -> Void) -> StreamLimits {
        var limits = StreamLimits()
        change(&limits)
        return limits
    }
}

/// A shard whose reactor does not run: everything happens on the test's thread, and sends go nowhere.
final class ShardRig {
    /// Remembers what it is told, and may do something in return.
    final class RecordingEdge: ShardEdge {
        var events: [String] = []
        var starts: [SubscriptionStart] = []
        var onSubscribed: (Int32) -> Void = { _ in }

        func subscribed(
            _ slot: Int32, channel: String, ticket: UInt32, _ result: Result<SubscriptionStart, BusError>
        ) {
            let outcome =
                switch result {
                case .success(let start): "subscribed" + Self.describe(start)
                case .failure(let error): "\(error)"
                }
            self.events.append("\(slot) \(channel) #\(ticket) \(outcome)")
            if case .success(let start) = result { self.starts.append(start) }
            self.onSubscribed(slot)
        }

        private static func describe(_ start: SubscriptionStart) -> String {
            guard let position = start.position else { return "" }
            let outcome = start.wasRecovering ? (start.recovered ? " recovered" : " unrecovered") : ""
            let offsets = start.publications.map { "\($0.offset ?? 0)" }.joined(separator: ",")
            return " at \(position.offset)\(position.epoch)\(outcome)" + (offsets.isEmpty ? "" : " +\(offsets)")
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

        func emulated(_ slot: Int32, _ commands: [UInt8]) { self.events.append("\(slot) emulated") }
        func sent(_ slot: Int32, _ publication: Publication) {
            self.events.append("\(slot) \(publication.channel) sent \(publication.offset ?? 0)")
        }

        func missed(_ slot: Int32, channel: String) { self.events.append("\(slot) \(channel) missed") }
        func end(_ slot: Int32, reason: CloseReason) { self.events.append("\(slot) ended \(reason.code)") }
        func reconfigured(limits: Limits, namespaces: NamespaceTable) { self.events.append("reconfigured") }
        func keysRefreshed() { self.events.append("keys") }
        func drain(window: Duration) { self.events.append("drain") }
        func drainTakenBack() { self.events.append("drain taken back") }
        func shed(_ count: Int, over window: Duration) { self.events.append("shed \(count)") }

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

    init(limits: Limits = Limits(), streamLimits: StreamLimits = StreamLimits()) throws {
        var settings = ReactorConfiguration()
        settings.slotCapacity = 64
        let reactor = try Reactor(configuration: settings, shared: ReactorShared())
        let mailbox = Mailbox<ShardMessage>(dataMax: limits.mailboxMax) { reactor.wake() }
        self.metrics = HubMetrics(MetricsRegistry())
        self.hub = Hub(mailboxes: [mailbox], metrics: self.metrics) { _ in }
        self.shard = Shard(
            index: 0, reactor: reactor, mailbox: mailbox, bus: self.bus, limits: limits, metrics: self.metrics,
            streamLimits: streamLimits)
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

    func publish(_ publications: Publication...) {
        for publication in publications { self.hub.deliver(publication, to: [0]) }
        self.shard.processMailbox()
    }

    /// Gives each read that was asked for this page, and tells what was asked.
    @discardableResult
    func answer(_ page: HistoryPage) -> [String] { self.answer(.success(page)) }

    @discardableResult
    func answer(_ error: BusError) -> [String] { self.answer(.failure(error)) }

    private func answer(_ result: Result<HistoryPage, BusError>) -> [String] {
        let reads = self.bus.takeReads()
        for read in reads { read.completion(result) }
        self.shard.processMailbox()
        return reads.map { read in
            let limit = read.query.limit ?? -1
            if limit == 0 { return "\(read.channel) top" }
            if read.query.isReverse { return "\(read.channel) latest \(limit)" }
            let since = read.query.since.map { "\($0.offset)\($0.epoch)" } ?? "the first"
            return "\(read.channel) since \(since) limit \(limit)"
        }
    }
}
