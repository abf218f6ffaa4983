// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletPolicy
import MartletProtocol
import MartletReactor
import MartletSessions
import MartletWire

/// The Centrifuge client protocol: what each command does, whatever carries it.
extension EdgeShard {
    func centrifugeMessage(_ slot: Int32, _ payload: Span<UInt8>) {
        let isProtobuf = self.connections[Int(slot)].kind.isProtobuf
        var reader = isProtobuf ? CentrifugeProtobuf.commands() : CentrifugeJSON.commands()
        while self.connections[Int(slot)].isOpen {
            switch reader.next(in: payload) {
            case .end: return
            case .malformed: return self.end(slot, reason: .badRequest)
            case .command(let command):
                self.command(slot, command, of: payload)
                // A connect comes first, so that all of its frame waits with it.
                if case .connect = command.request, self.isWaitingForKeys(slot) { return }
            }
        }
    }

    private func command(_ slot: Int32, _ command: CentrifugeCommand, of payload: Span<UInt8>) {
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
            return self.connect(slot, request, id: command.id, of: payload)
        }
        guard flags.contains(.connected) else { return self.end(slot, reason: .badRequest) }
        self.connectedCommand(slot, command)
    }

    private func connectedCommand(_ slot: Int32, _ command: CentrifugeCommand) {
        let id = command.id
        if case .send = command.request { return self.end(slot, reason: .notAvailable) }
        guard id > 0 else { return self.end(slot, reason: .badRequest) }
        switch command.request {
        case .ping: self.reply(slot, .ping, id: id)
        case .subscribe(let request): self.subscribe(slot, request, id: id)
        case .unsubscribe(let channel):
            guard !channel.isEmpty else { return self.end(slot, reason: .badRequest) }
            _ = self.shard.unsubscribe(slot, from: channel)
            self.reply(slot, .unsubscribe, id: id)
        case .publish(let channel, let data): self.publish(slot, channel, data, id: id)
        case .refresh(let token): self.refresh(slot, token, id: id)
        case .presence, .presenceStats, .history, .rpc, .subRefresh:
            self.reply(slot, .error(.notAvailable), id: id)
        case .invalidPayload: self.reply(slot, .error(.badRequest), id: id)
        case .connect, .pong, .send, .unknown: self.end(slot, reason: .badRequest)
        }
    }

    // MARK: - connect

    func connect(
        _ slot: Int32, _ request: CentrifugeCommand.ConnectRequest, id: UInt32, of payload: Span<UInt8>
    ) {
        let token = request.token.isEmpty ? self.existingExtras(slot)?.token : request.token
        let authentication = self.authenticate(token)
        if case .keysNeeded = authentication, !self.hasWaitedForKeys(slot) {
            return self.waitForKeys(slot, with: payload)
        }
        self.existingExtras(slot)?.token = nil
        self.dropExtrasIfIdle(slot)
        switch authentication {
        case .expired: self.refuseConnect(slot, .tokenExpired, id: id)
        // The keys could not be had: nothing is wrong with the client.
        case .keysNeeded: self.refuseConnect(slot, .internalError, id: id)
        case .refused: self.end(slot, reason: .invalidToken)
        case .missing: self.end(slot, reason: .badRequest)
        case .identity(let identity):
            guard case .admit = self.enterUser(slot, identity) else {
                return self.end(slot, reason: .connectionLimit)
            }
            switch self.enter(slot, identity, self.connections[Int(slot)].kind) {
            case .clear: self.connected(slot, identity, id: id)
            case .revoked(let reason): self.end(slot, reason: reason)
            case .belowFloor:
                self.withdraw(slot, identity)
                self.refuseConnect(slot, .tokenExpired, id: id)
            }
        }
    }

    private func refuseConnect(_ slot: Int32, _ error: CentrifugeError, id: UInt32) {
        self.connections[Int(slot)].flags.insert(.refused)
        self.reply(slot, .error(error), id: id)
    }

    private func connected(_ slot: Int32, _ identity: Identity, id: UInt32) {
        let client = self.shared.clients.text(of: self.reactor.id(of: slot))
        var result = CentrifugeReply.ConnectResult(client: client, version: self.shared.configuration.version)
        result.expiresIn = self.expiresIn(identity)
        if !self.connections[Int(slot)].flags.contains(.nativePing) {
            result.pingInterval = UInt32(clamping: max(1, self.limits.pingInterval.components.seconds))
            result.wantsPong = true
        }
        self.reply(slot, .connect(result), id: id)
        self.startPings(slot)
    }

    private func refresh(_ slot: Int32, _ token: String, id: UInt32) {
        guard !token.isEmpty else { return self.end(slot, reason: .badRequest) }
        switch self.authenticate(token) {
        case .expired: self.end(slot, reason: .connectionExpired)
        case .refused, .missing: self.end(slot, reason: .invalidToken)
        case .keysNeeded:
            self.shared.requestKeys()
            self.reply(slot, .error(.internalError), id: id)
        case .identity(let identity):
            guard identity.user == self.shard.identity(of: slot)?.user else {
                return self.end(slot, reason: .invalidToken)
            }
            switch self.refresh(slot, with: identity) {
            case .revoked(let reason): self.end(slot, reason: reason)
            case .belowFloor: self.end(slot, reason: .connectionExpired)
            case .clear:
                let client = self.shared.clients.text(of: self.reactor.id(of: slot))
                let result = CentrifugeReply.RefreshResult(
                    client: client, version: self.shared.configuration.version, expiresIn: self.expiresIn(identity))
                self.reply(slot, .refresh(result), id: id)
            }
        }
    }

    // MARK: - subscribe and publish

    private func subscribe(_ slot: Int32, _ request: CentrifugeCommand.SubscribeRequest, id: UInt32) {
        guard !request.channel.isEmpty else { return self.end(slot, reason: .badRequest) }
        if request.type != 0 { return self.reply(slot, .error(.notAvailable), id: id) }
        if let error = self.mayNotSubscribe(slot, to: request.channel) {
            return self.reply(slot, .error(error), id: id)
        }
        // The id of the command serves as the ticket: it comes back with the outcome and nothing is stored.
        switch self.shard.subscribe(slot, to: request.channel, SubscribeOptions(ticket: id)) {
        case .subscribed: self.reply(slot, .subscribe(.init()), id: id)
        case .pending: break
        case .alreadySubscribed: self.reply(slot, .error(.alreadySubscribed), id: id)
        case .limitExceeded: self.reply(slot, .error(.limitExceeded), id: id)
        }
    }

    func centrifugeSubscribed(
        _ slot: Int32, channel: String, ticket: UInt32, _ result: Result<SubscriptionStart, BusError>
    ) {
        switch result {
        case .success: self.reply(slot, .subscribe(.init()), id: ticket)
        case .failure(let error): self.reply(slot, .error(CentrifugeError(error)), id: ticket)
        }
    }

    func centrifugeLost(_ slot: Int32, channel: String, flags: SubscriptionFlags) {
        self.push(slot, .unsubscribe(channel: channel, .insufficientState))
    }

    private func publish(_ slot: Int32, _ channel: String, _ data: [UInt8], id: UInt32) {
        guard !channel.isEmpty else { return self.end(slot, reason: .badRequest) }
        if let error = self.mayNotPublish(slot, to: channel, data: data) {
            return self.reply(slot, .error(error), id: id)
        }
        self.publish(slot, channel: channel, data: data, ticket: id)
    }

    func centrifugeCompleted(_ slot: Int32, ticket: UInt32, _ completion: Completion) {
        switch completion {
        case .published(.success): self.reply(slot, .publish, id: ticket)
        case .published(.failure(let error)): self.reply(slot, .error(CentrifugeError(error)), id: ticket)
        case .history, .presence, .presenceStats, .proxied: break
        }
    }
}
