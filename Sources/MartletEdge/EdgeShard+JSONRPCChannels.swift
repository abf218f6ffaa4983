// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletProtocol
import MartletReactor
import MartletSessions
import MartletWire

/// JSON-RPC 2.0 on `/ws`: what the methods do that are about a channel.
extension EdgeShard {
    func channelCall(_ slot: Int32, _ call: JSONRPCRequest.Call, _ answer: RPCAnswer) {
        switch call {
        case .subscribe(let request): self.rpcSubscribe(slot, request, answer)
        case .refreshSubscription(let channel, let token): self.rpcRefresh(slot, channel, token, answer)
        case .unsubscribe(let channel):
            _ = self.unsubscribe(slot, from: channel)
            self.answer(slot, answer, .success(Self.done))
        case .publish(let channel, let data):
            self.ask(slot, answer) { ticket in
                switch self.payload(for: channel, { PublishedPayload(json: data, for: $0) }) {
                case .failure(let error): return error
                case .success(let payload):
                    if let error = self.mayNotPublish(slot, to: channel, payload) { return error }
                    self.publish(slot, channel: channel, payload, ticket: ticket)
                    return nil
                }
            }
        case .history(let request):
            self.ask(slot, answer) { ticket in
                self.askHistory(
                    slot, request.channel, since: request.since, limit: request.limit ?? -1,
                    isReverse: request.isReverse, ticket: ticket)
            }
        case .presence(let channel):
            self.ask(slot, answer) { self.askPresence(slot, channel, ticket: $0) }
        case .presenceStats(let channel):
            self.ask(slot, answer) { self.askPresenceStats(slot, channel, ticket: $0) }
        case .connect, .refresh, .ping, .invalid: break
        }
    }

    /// Asks the bus, whose outcome is the answer, unless there is an error before.
    private func ask(_ slot: Int32, _ answer: RPCAnswer, _ ask: (UInt32) -> CentrifugeError?) {
        let ticket = self.ticket()
        if let error = ask(ticket) { return self.answer(slot, answer, .failure(JSONRPCError(error))) }
        self.withExtras(slot).tickets[ticket] = answer
    }

    func rpcCompleted(_ slot: Int32, ticket: UInt32, _ completion: Completion) {
        switch completion {
        case .proxied, .relayed, .validated: break
        case .published(let result):
            self.settle(slot, ticket, outcome: result.map(JSONRPC.publishResult(position:)))
        case .history(let result):
            self.settle(slot, ticket, outcome: result.map { JSONRPC.historyResult($0.publications, top: $0.top) })
        case .unrecoverable:
            self.settle(slot, ticket, .failure(JSONRPCError(.unrecoverablePosition)))
        case .presence(let result):
            self.settle(slot, ticket, outcome: result.map { JSONRPC.presenceResult($0.map(\.info)) })
        case .presenceStats(let result):
            self.settle(
                slot, ticket, outcome: result.map { JSONRPC.presenceStatsResult(clients: $0.clients, users: $0.users) })
        }
    }

    private func settle(_ slot: Int32, _ ticket: UInt32, outcome: Result<[UInt8], BusError>) {
        self.settle(slot, ticket, outcome.mapError { JSONRPCError(CentrifugeError($0)) })
    }

    private func settle(_ slot: Int32, _ ticket: UInt32, _ result: Result<[UInt8], JSONRPCError>) {
        guard let answer = self.existingExtras(slot)?.tickets.removeValue(forKey: ticket) else { return }
        self.answer(slot, answer, result)
        self.dropExtrasIfIdle(slot)
    }

    // MARK: - Subscriptions

    private func rpcSubscribe(_ slot: Int32, _ request: JSONRPCRequest.Subscribe, _ answer: RPCAnswer) {
        let channel = request.channel
        let refuse = { self.answer(slot, answer, .failure(JSONRPCError($0))) }
        // First of all: a second subscription must not disturb what is kept of the first.
        if self.shard.isSubscribed(slot, to: channel) { return refuse(.alreadySubscribed) }
        let options: NamespaceOptions
        switch self.options(of: channel) {
        case .failure(let error): return refuse(error)
        case .success(let found): options = found
        }
        var terms = ServerSubscription(channel: channel)
        if let token = request.token {
            switch self.terms(of: token, slot, for: channel) {
            case .granted(let granted): terms = granted
            case .refused(let error): return refuse(error)
            case .mismatch: return self.endWebSocket(slot, reason: .invalidToken)
            }
        }
        switch self.subscribing(slot, to: channel, hasToken: request.token != nil) {
        case .permitted: break
        case .refused(let error): return refuse(error)
        case .askProxy: return refuse(.permissionDenied)
        }
        let own = EdgeSubscription(terms, isServerSide: false)
        if !own.isPlain { self.withExtras(slot).subscriptions[channel] = own }
        let ticket = self.ticket()
        let subscribe = self.subscribeOptions(
            options, terms.overrides, asked: .init(request), isServerSide: false, ticket: ticket)
        self.withExtras(slot).tickets[ticket] = answer
        switch self.shard.subscribe(slot, to: channel, subscribe) {
        case .subscribed(let start): self.rpcSubscribed(slot, channel: channel, ticket: ticket, .success(start))
        case .pending: break
        case .alreadySubscribed: self.settle(slot, ticket, .failure(JSONRPCError(.alreadySubscribed)))
        case .limitExceeded:
            self.forgetSubscription(slot, channel)
            self.settle(slot, ticket, .failure(JSONRPCError(.limitExceeded)))
        case .overloaded:
            self.forgetSubscription(slot, channel)
            self.settle(slot, ticket, .failure(JSONRPCError(.tooManyRequests)))
        }
    }

    func rpcSubscribed(
        _ slot: Int32, channel: String, ticket: UInt32, _ result: Result<SubscriptionStart, BusError>
    ) {
        switch result {
        case .failure(let error):
            self.forgetSubscription(slot, channel)
            self.settle(slot, ticket, .failure(JSONRPCError(CentrifugeError(error))))
        case .success(let start):
            self.settle(slot, ticket, .success(Self.result(of: start)))
            self.setExpiry(slot, ofSubscription: channel)
            // Behind the answer, because it comes back as a notification of the channel.
            self.announce(slot, channel, self.shard.flags(of: slot, in: channel) ?? [])
        }
    }

    private static func result(of start: SubscriptionStart) -> [UInt8] {
        // The client has what comes with it, and goes on from there.
        guard let position = start.publications.last?.position ?? start.position else { return Self.done }
        return JSONRPC.subscribeResult(
            position: position, recovered: start.wasRecovering ? start.recovered : nil, start.publications)
    }

    private func rpcRefresh(_ slot: Int32, _ channel: String, _ token: String, _ answer: RPCAnswer) {
        guard self.shard.isSubscribed(slot, to: channel) else {
            return self.answer(slot, answer, .failure(JSONRPCError(.permissionDenied)))
        }
        switch self.terms(of: token, slot, for: channel) {
        case .mismatch, .refused(.permissionDenied): self.endWebSocket(slot, reason: .invalidToken)
        case .refused(let error): self.answer(slot, answer, .failure(JSONRPCError(error)))
        case .granted(let terms):
            self.prolong(slot, terms)
            let result = JSONRPC.refreshResult(expiresIn: terms.expiresAt.map(self.seconds(until:)))
            self.answer(slot, answer, .success(result))
        }
    }

    func rpcMissed(_ slot: Int32, channel: String) {
        self.reactor.send(WebSocketFrame.encode(.text, payload: JSONRPC.gap(channel: channel)), to: slot)
    }

    /// The server ended a subscription.
    func rpcUnsubscribed(_ slot: Int32, channel: String, _ code: UnsubscribeCode) {
        self.forgetSubscription(slot, channel)
        let payload = JSONRPC.unsubscribed(channel: channel, code: code.code, reason: code.text)
        self.reactor.send(WebSocketFrame.encode(.text, payload: payload), to: slot)
    }
}

extension CentrifugeCommand.SubscribeRequest {
    /// The same wish in the terms of the Centrifuge protocol.
    fileprivate init(_ request: JSONRPCRequest.Subscribe) {
        self.init()
        self.channel = request.channel
        self.recoverable = request.recovers
        self.joinLeave = request.joinLeave
        guard let since = request.since else { return }
        self.recover = true
        self.offset = since.offset
        self.epoch = since.epoch
    }
}
