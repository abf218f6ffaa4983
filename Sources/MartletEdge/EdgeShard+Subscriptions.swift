// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
package import MartletHub
import MartletInstruments
import MartletProtocol
import MartletReactor

/// How subscriptions of the Centrifuge protocol last, and how they end.
extension EdgeShard {
    /// False where the connection was not subscribed.
    func unsubscribe(_ slot: Int32, from channel: String) -> Bool {
        let wasSubscribed = self.shard.unsubscribe(slot, from: channel)
        self.forgetSubscription(slot, channel)
        return wasSubscribed
    }

    /// Ends a subscription of which nobody has heard yet.
    func unsubscribeUnseen(_ slot: Int32, from channel: String) {
        self.leavesUnseen = true
        defer { self.leavesUnseen = false }
        _ = self.unsubscribe(slot, from: channel)
    }

    func forgetSubscription(_ slot: Int32, _ channel: String) {
        guard let extras = self.existingExtras(slot), extras.subscriptions[channel] != nil else { return }
        extras.subscriptions[channel] = nil
        self.dropExtrasIfIdle(slot)
    }

    /// Tells a client that a subscription was ended, in its own language.
    func tellUnsubscribed(_ slot: Int32, from channel: String, _ code: UnsubscribeCode) {
        switch self.connections[Int(slot)].kind.language {
        case .centrifuge: self.push(slot, .unsubscribe(channel: channel, code))
        case .jsonRPC: self.rpcUnsubscribed(slot, channel: channel, code)
        case .events: break
        }
    }

    /// The place in a stream is lost: the client comes back to what it can have of it.
    func centrifugeLost(_ slot: Int32, channel: String, flags: SubscriptionFlags) {
        self.forgetSubscription(slot, channel)
        if flags.contains(.serverSide) { return self.end(slot, reason: .insufficientState) }
        self.push(slot, .unsubscribe(channel: channel, .insufficientState))
    }

    // MARK: - Expiry

    /// What clients are told; SDKs make a timer of it, so it is never more than a year.
    func seconds(until time: Int64) -> UInt32 { UInt32(clamping: min(max(1, time - Int64(Clock.wall)), 31_536_000)) }

    func setExpiry(_ slot: Int32, ofSubscription channel: String) {
        guard let extras = self.existingExtras(slot), let expiresAt = extras.subscriptions[channel]?.expiresAt else {
            return
        }
        extras.subscriptions[channel]?.expiryTick = self.expiryTick(
            expiresAt, grace: self.asksProxy(.subRefresh) ? .zero : self.limits.expiryGrace)
        // Before the connect is answered, its deadline is another; the first ping sets this one.
        if self.connections[Int(slot)].pingTick != 0, !self.isWaiting(slot) { self.schedule(slot) }
    }

    /// When the first of a connection's subscriptions ends; nil for never.
    func subscriptionExpiryTick(_ slot: Int32) -> UInt32? {
        self.existingExtras(slot)?.subscriptions.values.lazy.map(\.expiryTick).filter { $0 != 0 }.min()
    }

    /// Ends the subscriptions that are past their time; false where that ended the connection.
    func expireSubscriptions(_ slot: Int32) -> Bool {
        guard let extras = self.existingExtras(slot) else { return true }
        for (channel, own) in extras.subscriptions where own.expiryTick != 0 && self.tick >= own.expiryTick {
            if self.asksToProlong(slot, channel) { continue }
            guard self.expire(slot, channel, own) else { return false }
        }
        return true
    }

    /// Ends a subscription that nobody renewed; false where that ended the connection.
    func expire(_ slot: Int32, _ channel: String, _ own: EdgeSubscription) -> Bool {
        if own.isServerSide {
            self.end(slot, reason: .subscriptionExpired)
            return false
        }
        _ = self.unsubscribe(slot, from: channel)
        self.tellUnsubscribed(slot, from: channel, .subscriptionExpired)
        return true
    }

    func refreshSubscription(_ slot: Int32, _ request: CentrifugeCommand.SubRefreshRequest, id: UInt32) {
        guard request.type == 0 else { return self.reply(slot, .error(.notAvailable), id: id) }
        guard self.shard.isSubscribed(slot, to: request.channel) else {
            return self.reply(slot, .error(.permissionDenied), id: id)
        }
        guard !request.token.isEmpty else { return self.reply(slot, .error(.badRequest), id: id) }
        switch self.terms(of: request.token, slot, for: request.channel) {
        case .mismatch, .refused(.permissionDenied): self.end(slot, reason: .invalidToken)
        case .refused(let error): self.reply(slot, .error(error), id: id)
        case .granted(let terms):
            self.prolong(slot, terms)
            self.reply(slot, .subRefresh(expiresIn: terms.expiresAt.map(self.seconds(until:))), id: id)
        }
    }

    /// Gives a subscription that has begun another end, and another `chan_info` where one is given.
    func prolong(_ slot: Int32, _ terms: ServerSubscription) {
        let old = self.existingExtras(slot)?.subscriptions[terms.channel]
        var own = old ?? EdgeSubscription(isServerSide: false)
        own.info = terms.info ?? own.info
        own.expiresAt = terms.expiresAt
        own.expiryTick = 0
        if old != nil || !own.isPlain { self.withExtras(slot).subscriptions[terms.channel] = own }
        if own.isPlain, own.beginning == nil { self.forgetSubscription(slot, terms.channel) }
        self.setExpiry(slot, ofSubscription: terms.channel)
    }

    // MARK: - Who is there

    /// Tells the others of a channel that a connection has come.
    func announce(_ slot: Int32, _ channel: String, _ flags: SubscriptionFlags) {
        guard !flags.isDisjoint(with: [.present, .announced]) else { return }
        let info = self.clientInfo(slot, in: channel)
        if flags.contains(.present) { self.shard.enter(channel, client: info.client, info: info.json) }
        if flags.contains(.announced) { self.announce(.join, channel, info) }
    }

    package func left(_ slot: Int32, channel: String, flags: SubscriptionFlags) {
        guard !self.leavesUnseen else { return }
        let info = self.clientInfo(slot, in: channel)
        if flags.contains(.present) { self.shard.leave(channel, client: info.client) }
        if flags.contains(.announced) { self.announce(.leave, channel, info) }
    }

    private func announce(_ kind: Publication.Kind, _ channel: String, _ info: CentrifugeClientInfo) {
        var publication = Publication(channel: channel, data: [], info: info.json, time: Clock.wall)
        publication.kind = kind
        if self.announcements.mayLeave() { return self.shard.announce(publication) }
        if !self.announcements.append(publication) { self.shared.metrics.unannounced.add() }
    }

    /// Sends what the last tick had no room for.
    func continueAnnouncements() {
        for publication in self.announcements.tick() { self.shard.announce(publication) }
    }
}
