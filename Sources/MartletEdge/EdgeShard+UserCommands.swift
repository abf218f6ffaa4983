// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
package import MartletHub
import MartletProtocol
import MartletReactor
import MartletSessions

/// What back-end services want done with connections that are open.
extension EdgeShard {
    package func perform(_ command: UserCommand, on slots: [Int32]) -> UserOutcome {
        if case .disconnect(_, let notice) = command {
            let open = slots.filter { self.connections[Int($0)].isOpen }
            for slot in open { self.end(slot, notice) }
            return UserOutcome(count: open.count)
        }
        // Whose connect is not answered yet is not there yet.
        let open = slots.filter { self.connections[Int($0)].isOpen && !self.isWaiting($0) }
        switch command {
        case .disconnect: return UserOutcome()
        case .subscribe(_, let subscription):
            return UserOutcome(count: open.count { self.subscribe($0, subscription) })
        case .unsubscribe(_, let channel):
            return UserOutcome(count: open.count { self.unsubscribeByBackEnd($0, channel) })
        case .refresh(_, true, _, _):
            let ended = slots.filter { self.connections[Int($0)].isOpen }
            for slot in ended { self.end(slot, reason: .connectionExpired) }
            return UserOutcome(count: ended.count)
        case .refresh(_, false, let expiresAt, let info):
            for slot in open { self.refresh(slot, expiresAt: expiresAt, info: info) }
            return UserOutcome(count: open.count)
        case .describe:
            return UserOutcome(
                count: open.count, connections: open.map(self.description),
                identities: open.map { self.shard.identity(of: $0) ?? Self.anonymous })
        }
    }

    private func isCentrifuge(_ slot: Int32) -> Bool { self.connections[Int(slot)].kind.language == .centrifuge }

    /// False where the connection cannot be, or is already, subscribed.
    private func subscribe(_ slot: Int32, _ wanted: UserCommand.Subscription) -> Bool {
        guard self.isCentrifuge(slot), !self.shard.isSubscribed(slot, to: wanted.channel) else { return false }
        // One that is past its end would end the connection with it.
        if let end = wanted.expiresAt, self.isOver(end) { return false }
        var terms = ServerSubscription(channel: wanted.channel)
        terms.info = wanted.info
        terms.data = wanted.data
        terms.expiresAt = wanted.expiresAt
        terms.overrides = wanted.overrides
        var asked: CentrifugeCommand.SubscribeRequest?
        if let since = wanted.since {
            var request = CentrifugeCommand.SubscribeRequest()
            (request.recover, request.offset, request.epoch) = (true, since.offset, since.epoch)
            asked = request
        }
        self.subscribe(slot, serverSide: terms, for: .backEnd, asked: asked)
        return self.shard.isSubscribed(slot, to: wanted.channel)
    }

    private func unsubscribeByBackEnd(_ slot: Int32, _ channel: String) -> Bool {
        // The channels of an event stream are those of its request.
        guard self.connections[Int(slot)].kind.language != .events, self.unsubscribe(slot, from: channel) else {
            return false
        }
        self.tellUnsubscribed(slot, from: channel, .serverUnsubscribe)
        return true
    }

    private func refresh(_ slot: Int32, expiresAt: Int64?, info: [UInt8]?) {
        guard let old = self.shard.identity(of: slot) else { return }
        let identity = Identity(old, expiresAt: expiresAt, info: info ?? old.info)
        if self.isOver(identity) { return self.end(slot, reason: .connectionExpired) }
        switch self.refresh(slot, with: identity) {
        case .revoked(let reason): self.end(slot, reason: reason)
        case .belowFloor: self.end(slot, reason: .connectionExpired)
        case .clear:
            guard self.isCentrifuge(slot) else { return }
            // Where the back-end is asked, clients are told nothing that would make them refresh themselves.
            self.push(slot, .refresh(expiresIn: self.asksProxy(.refresh) ? nil : self.expiresIn(identity)))
        }
    }

    private func description(_ slot: Int32) -> UserOutcome.Connection {
        let kind = self.connections[Int(slot)].kind
        return UserOutcome.Connection(
            client: self.shared.clients.text(of: self.reactor.id(of: slot)), transport: kind.transport.rawValue,
            proto: kind.label, channels: self.shard.subscriptions(of: slot).map(\.channel))
    }
}
