// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletPolicy
import MartletProtocol
import MartletReactor
import MartletSessions

/// How a connection of the Centrifuge protocol gets its identity, and keeps it.
extension EdgeShard {
    /// Answers a connect, now or when what it waits for has come.
    func connect(_ slot: Int32, _ request: CentrifugeCommand.ConnectRequest, id: UInt32) {
        let token = request.token.isEmpty ? self.existingExtras(slot)?.token : request.token
        // A token decides by itself; who brings none is for the back-end to know.
        if token?.isEmpty ?? true, self.asksProxy(.connect) {
            return self.askToConnect(slot, PendingConnect(request: request, id: id))
        }
        let authentication = self.authenticate(token)
        if case .keysNeeded = authentication, !self.hasWaitedForKeys(slot) {
            self.withExtras(slot).connect = PendingConnect(request: request, id: id)
            return self.waitForKeys(slot)
        }
        self.existingExtras(slot)?.token = nil
        self.dropExtrasIfIdle(slot)
        switch authentication {
        case .expired: self.refuseConnect(slot, .error(.tokenExpired), id: id)
        // The keys could not be had: nothing is wrong with the client.
        case .keysNeeded: self.refuseConnect(slot, .error(.internalError), id: id)
        case .refused: self.end(slot, reason: .invalidToken)
        case .missing: self.end(slot, reason: .badRequest)
        case .anonymous: self.end(slot, reason: .permissionDenied)
        case .identity(let identity):
            self.connect(slot, as: identity, PendingConnect(request: request, id: id))
        }
    }

    /// Lets a connection in under an identity, be it of its token or of the back-end's making, and answers its connect
    /// when its server-side subscriptions are there.
    func connect(_ slot: Int32, as identity: Identity, _ pending: PendingConnect) {
        guard !self.waitsForAuthority(slot, identity) else {
            self.withExtras(slot).connect = pending
            return
        }
        guard !self.isTurnedAway(slot, identity) else { return self.end(slot, reason: .validationUnavailable) }
        guard case .admit = self.enterUser(slot, identity) else {
            return self.end(slot, reason: .connectionLimit)
        }
        switch self.enter(slot, identity, self.connections[Int(slot)].kind) {
        case .revoked(let reason): return self.end(slot, reason: reason)
        case .belowFloor: return self.refuseConnect(slot, .error(.tokenExpired), id: pending.id)
        case .clear: break
        }
        switch self.serverSubscriptions(of: identity) {
        case .failure(let error): self.refuseConnect(slot, .error(error), id: pending.id)
        case .success(let subscriptions) where subscriptions.isEmpty: self.connected(slot, pending)
        case .success(let subscriptions):
            guard subscriptions.count <= self.limits.subscriptionsMax else {
                return self.end(slot, reason: .channelLimit)
            }
            self.subscribe(slot, toAll: subscriptions, with: pending)
        }
    }

    /// Answers a connect with an error: the connection is good for nothing more, and its client closes it.
    func refuseConnect(_ slot: Int32, _ error: CentrifugeReply, id: UInt32) {
        self.withdraw(slot)
        self.existingExtras(slot)?.connect = nil
        self.connections[Int(slot)].flags.insert(.refused)
        self.connections[Int(slot)].flags.remove(.waits)
        self.reply(slot, error, id: id)
    }

    private func connected(_ slot: Int32, _ pending: PendingConnect) {
        let client = self.shared.clients.text(of: self.reactor.id(of: slot))
        var result = CentrifugeReply.ConnectResult(client: client, version: self.shared.configuration.version)
        if !self.asksProxy(.refresh) { result.expiresIn = self.shard.identity(of: slot).flatMap(self.expiresIn) }
        result.data = pending.data
        result.subscriptions = pending.subscriptions
        let (flags, kind) = (self.connections[Int(slot)].flags, self.connections[Int(slot)].kind)
        if !flags.contains(.nativePing) || kind.isUnidirectional {
            result.pingInterval = UInt32(clamping: max(1, self.limits.pingInterval.components.seconds))
            result.wantsPong = !kind.isUnidirectional
        }
        self.reply(slot, .connect(result), id: pending.id)
        self.dropLinesIfUnused(slot)
        self.startPings(slot)
    }

    // MARK: - Server-side subscriptions of a connect

    /// The channels that a connection is subscribed to from its beginning.
    private func serverSubscriptions(of identity: Identity) -> Result<[ServerSubscription], CentrifugeError> {
        var subscriptions = identity.subscriptions
        if let personal = self.personalChannel(of: identity), !identity.has(personal) {
            subscriptions.append(ServerSubscription(channel: personal))
        }
        for subscription in subscriptions {
            // It would end the connection at once, which would come back with the same.
            if let end = subscription.expiresAt, self.isOver(end) { return .failure(.tokenExpired) }
            if case .failure(let error) = self.options(of: subscription.channel) { return .failure(error) }
        }
        return .success(subscriptions)
    }

    /// The channel of a user's own: limited to it by its name. A user whose name would limit it to others has none.
    private func personalChannel(of identity: Identity) -> String? {
        guard let namespace = self.shared.configuration.personalChannels, !identity.isAnonymous else { return nil }
        let user = identity.user
        let channel = namespace.isEmpty ? "#\(user)" : "\(namespace):#\(user)"
        guard ChannelName.isValid(channel, bytesMax: self.limits.channelBytesMax),
            ChannelName.users(of: channel) == [user[...]], self.namespaces.options(of: channel) != nil
        else { return nil }
        return channel
    }

    private func subscribe(_ slot: Int32, toAll subscriptions: [ServerSubscription], with pending: PendingConnect) {
        var pending = pending
        pending.expected = subscriptions.count
        self.withExtras(slot).connect = pending
        for subscription in subscriptions {
            let asked = pending.request.subscriptions[subscription.channel]
            // What comes in one of several channels must stay behind the answer, which tells of them all.
            let isHeld = subscriptions.count > 1
            self.subscribe(slot, serverSide: subscription, for: .connect, asked: asked, isHeld: isHeld)
            guard self.existingExtras(slot)?.connect != nil else { return }
        }
        if !self.answerIfSubscribed(slot) { self.wait(slot) }
    }

    /// Answers a connect if all its subscriptions are there.
    private func answerIfSubscribed(_ slot: Int32) -> Bool {
        guard let pending = self.existingExtras(slot)?.connect, pending.subscriptions.count == pending.expected else {
            return false
        }
        self.existingExtras(slot)?.connect = nil
        self.connections[Int(slot)].flags.remove(.waits)
        self.connected(slot, pending)
        self.shard.release(slot)
        self.dropExtrasIfIdle(slot)
        return true
    }

    func connectSubscribed(_ slot: Int32, _ channel: String, _ result: CentrifugeReply.SubscribeResult) {
        self.existingExtras(slot)?.connect?.subscriptions[channel] = result
        // Those that need not wait are answered together.
        guard self.isWaiting(slot), self.answerIfSubscribed(slot) else { return }
        self.goOn(slot)
    }

    /// A channel cannot be had now: the client should come back.
    func connectFailed(_ slot: Int32, _ error: CentrifugeError) {
        guard let pending = self.existingExtras(slot)?.connect else { return }
        let wasWaiting = self.isWaiting(slot)
        if error == .limitExceeded { return self.end(slot, reason: .channelLimit) }
        self.refuseConnect(slot, .error(error), id: pending.id)
        if wasWaiting { self.goOn(slot) }
    }

    // MARK: - refresh

    func refresh(_ slot: Int32, _ token: String, id: UInt32) {
        // Where the back-end is asked, a client has no say.
        guard !token.isEmpty, !self.asksProxy(.refresh) else { return self.end(slot, reason: .badRequest) }
        switch self.authenticate(token) {
        case .expired: self.end(slot, reason: .connectionExpired)
        case .refused, .missing, .anonymous: self.end(slot, reason: .invalidToken)
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
}
