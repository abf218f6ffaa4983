// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletProtocol
import MartletReactor
import MartletSessions
import MartletWire

/// Plain event streams on `/events`, for a browser's bare `EventSource`.
extension EdgeShard {
    /// Answers an admitted, authenticated request with a stream, unless its identity is revoked.
    func startEvents(
        _ slot: Int32, _ identity: Identity, channels: [String], isChunked: Bool, head: [UInt8]
    ) -> RevocationVerdict {
        if isChunked { self.connections[Int(slot)].flags.insert(.chunked) }
        let verdict = self.enter(slot, identity, .events)
        guard case .clear = verdict else { return verdict }
        self.connections[Int(slot)].stage = .stream
        self.addresses[slot] = nil
        self.admitted(slot, .events)
        self.reactor.send(head, to: slot)
        self.dropExtrasIfIdle(slot)
        if let padding = self.shared.eventPadding { self.sendEvent(slot, padding) }
        self.sendEvent(slot, EventStreamEncoder.retry(milliseconds: self.shared.configuration.eventRetryMilliseconds))
        var isPending = false
        for channel in channels {
            switch self.shard.subscribe(slot, to: channel, SubscribeOptions()) {
            case .pending: isPending = true
            case .subscribed, .alreadySubscribed: break
            case .limitExceeded:
                self.end(slot, reason: .channelLimit)
                return .clear
            }
        }
        if !isPending { self.sendEvent(slot, Self.subscribedComment) }
        self.startPings(slot)
        return .clear
    }

    /// Says that from here on nothing is missed; clients ignore it, people and tests see it.
    private static let subscribedComment = EventStreamEncoder.comment("subscribed")

    func sendEvent(_ slot: Int32, _ bytes: [UInt8]) {
        let isChunked = self.connections[Int(slot)].flags.contains(.chunked)
        self.reactor.send(isChunked ? ChunkedEncoding.chunk(bytes) : bytes, to: slot)
    }

    func eventsSubscribed(_ slot: Int32, channel: String, _ result: Result<SubscriptionStart, BusError>) {
        guard self.connections[Int(slot)].stage == .stream else { return }
        // A stream that cannot have its channels ends, and the browser asks again.
        if case .failure = result { return self.end(slot, reason: .notAvailable) }
        if !self.shard.isWaiting(slot) { self.sendEvent(slot, Self.subscribedComment) }
    }

    func eventsMissed(_ slot: Int32, channel: String) {
        let body = EventStreamBody.gap(channel: channel)
        self.sendEvent(slot, EventStreamEncoder.event(name: EventStreamBody.gapEvent, data: body))
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
