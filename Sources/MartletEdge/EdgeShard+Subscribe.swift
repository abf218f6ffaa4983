// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletProtocol
import MartletReactor
import MartletSessions

/// How subscriptions of the Centrifuge protocol begin, be they a client's wish or the server's.
extension EdgeShard {
    /// Bit 2 of a subscription's `flag`.
    private static let mustRecover: Int64 = 2

    /// A client's command.
    func subscribe(_ slot: Int32, _ request: CentrifugeCommand.SubscribeRequest, id: UInt32) {
        if request.type != 0 { return self.reply(slot, .error(.notAvailable), id: id) }
        // First of all: a second subscription must not disturb what is kept of the first.
        if self.shard.isSubscribed(slot, to: request.channel) {
            return self.reply(slot, .error(.alreadySubscribed), id: id)
        }
        if case .failure(let error) = self.options(of: request.channel) {
            return self.reply(slot, .error(error), id: id)
        }
        var terms = ServerSubscription(channel: request.channel)
        if !request.token.isEmpty {
            switch self.terms(of: request.token, slot, for: request.channel) {
            case .granted(let granted): terms = granted
            case .refused(let error): return self.reply(slot, .error(error), id: id)
            case .mismatch: return self.end(slot, reason: .invalidToken)
            }
        }
        switch self.subscribing(slot, to: request.channel, hasToken: !request.token.isEmpty) {
        case .permitted: self.subscribe(slot, request, id: id, on: terms)
        case .refused(let error): self.reply(slot, .error(error), id: id)
        case .askProxy: self.askToSubscribe(slot, request, id: id)
        }
    }

    /// Subscribes a client that may be, on the terms of its token or of the back-end.
    func subscribe(
        _ slot: Int32, _ request: CentrifugeCommand.SubscribeRequest, id: UInt32, on terms: ServerSubscription
    ) {
        guard case .success(let options) = self.options(of: terms.channel) else {
            return self.reply(slot, .error(.unknownChannel), id: id)
        }
        let mustRecover = request.flags & Self.mustRecover != 0
        if terms != ServerSubscription(channel: terms.channel) || mustRecover {
            var own = EdgeSubscription(terms, isServerSide: false)
            own.beginning = .init(origin: .command, data: terms.data, mustRecover: mustRecover)
            self.withExtras(slot).subscriptions[terms.channel] = own
        }
        var wish = request
        // SDKs wish for it only where they are told to, and would lose messages in silence where they are not.
        wish.recoverable = true
        var subscribe = self.subscribeOptions(
            options, terms.overrides, asked: wish, isServerSide: false, ticket: id)
        if options.delta == .fossil, request.delta == NamespaceOptions.Delta.fossil.rawValue {
            subscribe.flags.insert(.delta)
        }
        switch self.shard.subscribe(slot, to: terms.channel, subscribe) {
        case .subscribed(let start): self.begun(slot, terms.channel, ticket: id, start)
        case .pending: break
        case .alreadySubscribed: self.reply(slot, .error(.alreadySubscribed), id: id)
        case .limitExceeded: self.failed(slot, terms.channel, ticket: id, .limitExceeded)
        case .overloaded: self.failed(slot, terms.channel, ticket: id, .tooManyRequests)
        }
    }

    /// Subscribes a connection to a channel that it is not subscribed to, because token or back-end say so.
    ///
    /// - Parameters:
    ///   - asked: Where its client was, if it wants what it missed.
    ///   - isHeld: What comes in the channel is held back until `Shard.release`.
    func subscribe(
        _ slot: Int32, serverSide terms: ServerSubscription, for origin: EdgeSubscription.Origin,
        asked: CentrifugeCommand.SubscribeRequest?, isHeld: Bool = false
    ) {
        guard case .success(let options) = self.options(of: terms.channel) else { return }
        var own = EdgeSubscription(terms, isServerSide: true)
        own.beginning = .init(origin: origin, data: terms.data)
        self.withExtras(slot).subscriptions[terms.channel] = own
        var subscribe = self.subscribeOptions(
            options, terms.overrides, asked: asked, isServerSide: true, ticket: 0)
        if isHeld { subscribe.flags.insert(.held) }
        switch self.shard.subscribe(slot, to: terms.channel, subscribe) {
        case .subscribed(let start): self.begun(slot, terms.channel, ticket: 0, start)
        case .pending, .alreadySubscribed: break
        case .limitExceeded: self.failed(slot, terms.channel, ticket: 0, .limitExceeded)
        case .overloaded: self.failed(slot, terms.channel, ticket: 0, .tooManyRequests)
        }
    }

    func centrifugeSubscribed(
        _ slot: Int32, channel: String, ticket: UInt32, _ result: Result<SubscriptionStart, BusError>
    ) {
        switch result {
        case .success(let start): self.begun(slot, channel, ticket: ticket, start)
        case .failure(let error): self.failed(slot, channel, ticket: ticket, CentrifugeError(error))
        }
    }

    // MARK: - Beginning

    /// A subscription is there, and nothing of its channel has been sent yet.
    private func begun(_ slot: Int32, _ channel: String, ticket: UInt32, _ start: SubscriptionStart) {
        let own = self.existingExtras(slot)?.subscriptions[channel]
        if own?.beginning?.mustRecover == true, start.wasRecovering, !start.recovered {
            self.unsubscribeUnseen(slot, from: channel)
            return self.reply(slot, .error(.unrecoverablePosition), id: ticket)
        }
        let flags = self.shard.flags(of: slot, in: channel) ?? []
        let result = self.result(start, flags, own, slot)
        switch own?.beginning?.origin ?? .command {
        case .command: self.reply(slot, .subscribe(result), id: ticket)
        case .connect: break
        case .backEnd:
            self.push(slot, .subscribe(channel: channel, result))
            for publication in start.publications { self.push(slot, .publication(publication)) }
        }
        self.keepWhatLasts(slot, channel)
        // Behind the answer, because it comes back as a publication of the channel.
        self.announce(slot, channel, flags)
        if own?.beginning?.origin == .connect { self.connectSubscribed(slot, channel, result) }
    }

    private func failed(_ slot: Int32, _ channel: String, ticket: UInt32, _ error: CentrifugeError) {
        let origin = self.existingExtras(slot)?.subscriptions[channel]?.beginning?.origin ?? .command
        self.forgetSubscription(slot, channel)
        switch origin {
        case .command: self.reply(slot, .error(error), id: ticket)
        case .connect: self.connectFailed(slot, error)
        case .backEnd: break
        }
    }

    private func result(
        _ start: SubscriptionStart, _ flags: SubscriptionFlags, _ own: EdgeSubscription?, _ slot: Int32
    ) -> CentrifugeReply.SubscribeResult {
        var result = CentrifugeReply.SubscribeResult()
        // Only a client's own subscription can be refreshed by it.
        if own?.isServerSide == false, !self.asksProxy(.subRefresh) {
            result.expiresIn = own?.expiresAt.map(self.seconds(until:))
        }
        result.data = own?.beginning?.data
        result.delta = flags.contains(.delta)
        guard flags.contains(.positioned) else { return result }
        result.positioned = true
        result.recoverable = flags.contains(.recoverable)
        result.position = start.position ?? StreamPosition()
        result.publications =
            result.delta
            ? self.patches.run(
                start.publications, self.connections[Int(slot)].kind.isProtobuf ? .protobuf : .json,
                bytesMax: self.limits.deltaBytesMax, tick: self.tick)
            : start.publications
        result.recovered = start.recovered
        result.wasRecovering = start.wasRecovering
        return result
    }

    /// Drops what only mattered until a subscription had begun.
    private func keepWhatLasts(_ slot: Int32, _ channel: String) {
        guard let extras = self.existingExtras(slot), var own = extras.subscriptions[channel] else { return }
        own.beginning = nil
        extras.subscriptions[channel] = own.isPlain ? nil : own
        if own.expiresAt != nil {
            self.setExpiry(slot, ofSubscription: channel)
        } else {
            self.dropExtrasIfIdle(slot)
        }
    }
}

extension EdgeSubscription {
    init(_ terms: ServerSubscription, isServerSide: Bool) {
        self.init(info: terms.info, expiresAt: terms.expiresAt, isServerSide: isServerSide)
    }
}
