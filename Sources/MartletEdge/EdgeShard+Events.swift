// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletCore
import MartletHub
import MartletProtocol
import MartletReactor
import MartletSessions
import MartletWire

/// Plain event streams on `/events`, for a browser's bare `EventSource`.
extension EdgeShard {
    /// What a request asks for.
    struct EventsRequest {
        var channels: [String]
        /// What the client gave back of the ids it got, if it has any.
        var lastID: String?
        var isChunked: Bool
    }

    /// Answers an admitted, authenticated request with a stream, unless its identity is revoked.
    func startEvents(_ slot: Int32, _ identity: Identity, _ request: EventsRequest, head: [UInt8]) -> RevocationVerdict
    {
        if request.isChunked { self.connections[Int(slot)].flags.insert(.chunked) }
        if request.channels.count > 1 { self.connections[Int(slot)].flags.insert(.ownIDs) }
        let verdict = self.enter(slot, identity, .events)
        guard case .clear = verdict else { return verdict }
        self.connections[Int(slot)].stage = .stream
        self.addresses[slot] = nil
        self.admitted(slot, .events)
        self.reactor.send(head, to: slot)
        if let padding = self.shared.eventPadding { self.sendEvent(slot, padding) }
        // Each another time: it holds for the day this node goes without a word, and with it all that are on it.
        self.sendEvent(slot, EventStreamEncoder.retry(milliseconds: self.retryMilliseconds()))
        let beginning = EventsBeginning(request)
        self.withExtras(slot).events = beginning
        for (channel, since) in zip(beginning.channels, beginning.since) {
            switch self.subscribeEvents(slot, channel, since: since) {
            case .subscribed(let start): self.eventsBegun(slot, channel, start, beginning)
            case .pending, .alreadySubscribed: break
            case .limitExceeded:
                self.end(slot, reason: .channelLimit)
                return .clear
            case .overloaded:
                self.end(slot, reason: .tooManyRequests)
                return .clear
            }
        }
        self.completeEvents(slot)
        self.startPings(slot)
        return .clear
    }

    /// Without a position of its own: what it loses is told as a gap, and it goes on.
    private func subscribeEvents(_ slot: Int32, _ channel: String, since: StreamPosition?) -> Shard.SubscribeOutcome {
        var subscribe = SubscribeOptions()
        if let options = self.namespaces.options(of: channel) {
            subscribe = self.subscribeOptions(
                options, SubscriptionOverrides(), asked: nil, isServerSide: false, ticket: 0)
            // Nor is there an event that says who comes and goes.
            subscribe.flags.subtract([.joinLeave, .positioned, .recoverable])
            subscribe.since = since
            subscribe.recovery = options.recovery
        }
        return self.shard.subscribe(slot, to: channel, subscribe)
    }

    func eventsSubscribed(_ slot: Int32, channel: String, _ result: Result<SubscriptionStart, BusError>) {
        guard self.connections[Int(slot)].stage == .stream else { return }
        // A stream that cannot have its channels ends, and the browser asks again.
        guard case .success(let start) = result else { return self.end(slot, reason: .notAvailable) }
        if let beginning = self.existingExtras(slot)?.events { self.eventsBegun(slot, channel, start, beginning) }
        self.completeEvents(slot)
    }

    /// What was missed in a channel comes before what is live, or it is said that it does not.
    private func eventsBegun(
        _ slot: Int32, _ channel: String, _ start: SubscriptionStart, _ beginning: EventsBeginning
    ) {
        if beginning.isReturn, start.position != nil, !start.recovered { self.sendGap(slot, channel) }
        for publication in start.publications {
            self.sendEvent(
                slot,
                EventStreamEncoder.event(data: EventStreamBody.publication(publication), isComplete: false)
                    + EventStreamEncoder.end(id: self.eventID(slot, after: publication)))
        }
        self.announce(slot, channel, self.shard.flags(of: slot, in: channel) ?? [])
    }

    /// Once all channels are there, an id says where they stand: a client that is cut before the first event comes
    /// back with it.
    private func completeEvents(_ slot: Int32) {
        guard !self.shard.isWaiting(slot), let extras = self.existingExtras(slot), extras.events != nil else { return }
        extras.events = nil
        self.dropExtrasIfIdle(slot)
        self.sendID(slot)
        self.sendEvent(slot, Self.subscribedComment)
    }

    /// Says that from here on nothing is missed; clients ignore it, people and tests see it.
    private static let subscribedComment = EventStreamEncoder.comment("subscribed")

    // MARK: - Ids

    /// The id behind an event of several channels, whose own bytes all share.
    package func sent(_ slot: Int32, _ publication: Publication) {
        self.sendEvent(slot, EventStreamEncoder.end(id: self.eventID(slot, after: publication)))
    }

    /// An id by itself, where there is a position to name.
    private func sendID(_ slot: Int32) {
        let subscriptions = self.shard.subscriptions(of: slot)
        guard subscriptions.contains(where: { $0.position != nil }) else { return }
        let id = EventID.encode(subscriptions.map(\.position), of: subscriptions.map(\.channel))
        self.sendEvent(slot, EventStreamEncoder.end(id: id))
    }

    /// Where the connection stands in all of its channels once it has been given a publication.
    private func eventID(_ slot: Int32, after publication: Publication) -> String {
        let subscriptions = self.shard.subscriptions(of: slot)
        var channels = subscriptions.map(\.channel)
        var positions = subscriptions.map(\.position)
        // Until all are there, the others stand where the client said.
        if let beginning = self.existingExtras(slot)?.events, beginning.channels.count > channels.count {
            positions = zip(beginning.channels, beginning.since).map { channel, since in
                channels.firstIndex(of: channel).map { positions[$0] } ?? since
            }
            channels = beginning.channels
        }
        // Behind it more may have been handed out already.
        if let index = channels.firstIndex(of: publication.channel) { positions[index] = publication.position }
        return EventID.encode(positions, of: channels)
    }

    // MARK: - Gaps and the end

    func eventsMissed(_ slot: Int32, channel: String) {
        self.sendGap(slot, channel)
        // Told once is enough: who comes back now has missed no more than that.
        if self.existingExtras(slot)?.events == nil { self.sendID(slot) }
    }

    private func sendGap(_ slot: Int32, _ channel: String) {
        let body = EventStreamBody.gap(channel: channel)
        self.sendEvent(slot, EventStreamEncoder.event(name: EventStreamBody.gapEvent, data: body))
    }

    func sendEvent(_ slot: Int32, _ bytes: [UInt8]) {
        let isChunked = self.connections[Int(slot)].flags.contains(.chunked)
        self.reactor.send(isChunked ? ChunkedEncoding.chunk(bytes) : bytes, to: slot)
    }

    /// The last event says why; where the client may come back, it is told when.
    func endEvents(_ slot: Int32, _ notice: CloseNotice) {
        if notice.mayReconnect || notice.reason == .notAvailable {
            self.sendEvent(slot, EventStreamEncoder.retry(milliseconds: self.retryMilliseconds()))
        } else {
            let body = EventStreamBody.disconnect(notice)
            self.sendEvent(slot, EventStreamEncoder.event(name: EventStreamBody.disconnectEvent, data: body))
        }
        if self.connections[Int(slot)].flags.contains(.chunked) {
            self.reactor.send(ChunkedEncoding.last, to: slot)
        }
        self.finish(slot, reason: notice.reason)
    }
}
