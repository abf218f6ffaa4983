// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletProtocol
import MartletReactor

/// The Centrifuge client protocol, whatever carries it: what comes in, and who does it.
extension EdgeShard {
    func centrifugeMessage(_ slot: Int32, _ payload: Span<UInt8>) {
        if self.isWaiting(slot) { return self.keep(slot, payload) }
        let isProtobuf = self.connections[Int(slot)].kind.isProtobuf
        var reader = isProtobuf ? CentrifugeProtobuf.commands() : CentrifugeJSON.commands()
        while self.connections[Int(slot)].isOpen {
            switch reader.next(in: payload) {
            case .end: return
            case .malformed: return self.end(slot, reason: .badRequest)
            case .command(let command):
                self.command(slot, command)
                // What follows a connect that waits, waits with it.
                if self.isWaiting(slot) {
                    return self.keep(slot, payload.extracting(min(reader.position, payload.count)...))
                }
            }
        }
    }

    private func command(_ slot: Int32, _ command: CentrifugeCommand) {
        let flags = self.connections[Int(slot)].flags
        guard !flags.contains(.refused) else { return self.end(slot, reason: .badRequest) }
        if case .pong = command.request {
            guard flags.contains(.awaitsPong), !flags.contains(.nativePing) else {
                return self.end(slot, reason: .badRequest)
            }
            return self.ponged(slot)
        }
        guard self.takeCommand(slot) else { return self.end(slot, reason: .tooManyRequests) }
        if case .connect(let request) = command.request {
            guard !flags.contains(.connected), command.id > 0 else {
                return self.end(slot, reason: .badRequest)
            }
            return self.connect(slot, request, id: command.id)
        }
        guard flags.contains(.connected) else { return self.end(slot, reason: .badRequest) }
        self.connectedCommand(slot, command)
    }

    /// The id of a command serves as the ticket of what it waits for: it comes back with the outcome and nothing is
    /// stored.
    private func connectedCommand(_ slot: Int32, _ command: CentrifugeCommand) {
        let id = command.id
        if case .send = command.request { return self.end(slot, reason: .notAvailable) }
        guard id > 0 else { return self.end(slot, reason: .badRequest) }
        if let channel = command.request.channel, channel.isEmpty { return self.end(slot, reason: .badRequest) }
        switch command.request {
        case .ping: self.reply(slot, .ping, id: id)
        case .subscribe(let request): self.subscribe(slot, request, id: id)
        case .unsubscribe(let channel):
            self.forgetAsking(slot, toSubscribeTo: channel)
            _ = self.unsubscribe(slot, from: channel)
            self.reply(slot, .unsubscribe, id: id)
        case .publish(let channel, let data):
            self.publish(slot, channel, self.payload(for: channel) { PublishedPayload(json: data, for: $0) }, id: id)
        case .publishBytes(let channel, let data):
            self.publish(slot, channel, self.payload(for: channel) { PublishedPayload(bytes: data, for: $0) }, id: id)
        case .presence(let channel): self.refuse(slot, self.askPresence(slot, channel, ticket: id), id: id)
        case .presenceStats(let channel): self.refuse(slot, self.askPresenceStats(slot, channel, ticket: id), id: id)
        case .history(let request):
            let error = self.askHistory(
                slot, request.channel, since: request.since, limit: Int(request.limit), isReverse: request.reverse,
                ticket: id)
            self.refuse(slot, error, id: id)
        case .refresh(let token): self.refresh(slot, token, id: id)
        case .subRefresh(let request): self.refreshSubscription(slot, request, id: id)
        case .rpc(let method, let data): self.call(slot, method, data, id: id)
        case .invalidPayload: self.reply(slot, .error(.badRequest), id: id)
        case .connect, .pong, .send, .unknown: self.end(slot, reason: .badRequest)
        }
    }

    private func refuse(_ slot: Int32, _ error: CentrifugeError?, id: UInt32) {
        if let error { self.reply(slot, .error(error), id: id) }
    }

    private func publish(
        _ slot: Int32, _ channel: String, _ payload: Result<PublishedPayload, CentrifugeError>, id: UInt32
    ) {
        switch payload {
        case .failure(let error): self.reply(slot, .error(error), id: id)
        case .success(let payload):
            switch self.publishing(slot, to: channel, payload) {
            case .permitted: self.publish(slot, channel: channel, payload, ticket: id)
            case .refused(let error): self.reply(slot, .error(error), id: id)
            case .askProxy: self.askToPublish(slot, channel, payload, id: id)
            }
        }
    }

    func centrifugeCompleted(_ slot: Int32, ticket: UInt32, _ completion: Completion) {
        switch completion {
        case .published(.success): self.reply(slot, .publish, id: ticket)
        case .history(.success(let page)):
            self.reply(slot, .history(page.publications, top: page.top), id: ticket)
        case .presence(.success(let entries)):
            let clients = entries.compactMap { entry in
                CentrifugeClientInfo(entry.info.span).map { (entry.client, $0) }
            }
            self.reply(slot, .presence(Dictionary(clients) { first, _ in first }), id: ticket)
        case .presenceStats(.success(let stats)):
            let reply = CentrifugeReply.presenceStats(
                clients: UInt32(clamping: stats.clients), users: UInt32(clamping: stats.users))
            self.reply(slot, reply, id: ticket)
        case .published(.failure(let error)), .history(.failure(let error)), .presence(.failure(let error)),
            .presenceStats(.failure(let error)):
            self.reply(slot, .error(CentrifugeError(error)), id: ticket)
        case .proxied(let outcome): self.proxied(slot, ticket: ticket, outcome)
        case .unrecoverable: self.reply(slot, .error(.unrecoverablePosition), id: ticket)
        case .relayed, .validated: break
        }
    }
}

extension CentrifugeCommand.Request {
    /// The channel of a command that is about one.
    fileprivate var channel: String? {
        switch self {
        case .subscribe(let request): request.channel
        case .unsubscribe(let channel), .publish(let channel, _), .publishBytes(let channel, _),
            .presence(let channel), .presenceStats(let channel):
            channel
        case .history(let request): request.channel
        case .subRefresh(let request): request.channel
        case .connect, .ping, .rpc, .send, .refresh, .pong, .invalidPayload, .unknown: nil
        }
    }
}
