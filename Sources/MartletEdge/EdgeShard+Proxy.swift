// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletProtocol
import MartletProxy
import MartletReactor
import MartletSessions
import MartletWire

/// Asking the back-end that decides, and doing what it says. Whatever is not a clear yes is a no.
extension EdgeShard {
    /// Questions of one connection that may be open at a time.
    private static let questionsMax = 128

    func asksProxy(_ method: ProxyMethod) -> Bool { self.shared.proxy?.answers(method) ?? false }

    // MARK: - What of the request goes on to the back-end

    /// Keeps the lines of a connection's request that go on to the back-end with every question.
    func keepLines(_ slot: Int32, _ head: HTTPRequestHead, _ bytes: Span<UInt8>) {
        let names = self.shared.configuration.proxyHeaders
        guard self.shared.proxy != nil, !names.isEmpty else { return }
        // A proxy between may have sent another client's request on the same connection before.
        self.existingExtras(slot)?.lines = []
        var room = ProxyHeaders.bytesMax
        let lines = head.lines(named: names, in: bytes).filter { line in
            guard ProxyHeaders.isValue(line.value) else { return false }
            room -= line.name.utf8.count + line.value.utf8.count
            return room >= 0
        }
        if !lines.isEmpty { self.withExtras(slot).lines = lines }
    }

    /// Whether the request bears cookies by which the back-end may know a visitor: a browser adds them whoever asks.
    func bearsCookies(_ head: HTTPRequestHead) -> Bool {
        self.asksProxy(.connect) && !head.cookies.isEmpty && self.shared.configuration.proxyHeaders.contains("cookie")
    }

    /// Gives the lines back once nothing more will be asked about the connection.
    func dropLinesIfUnused(_ slot: Int32) {
        guard !ProxyMethod.allCases.contains(where: { $0 != .connect && self.asksProxy($0) }) else { return }
        self.existingExtras(slot)?.lines = []
        self.dropExtrasIfIdle(slot)
    }

    // MARK: - Asking

    /// The outcome comes as `Completion.proxied`, however soon.
    private func ask(_ slot: Int32, _ question: ProxyRequest.Question, then: ProxyQuestion) {
        let extras = self.withExtras(slot)
        let ticket = self.ticket()
        extras.questions[ticket] = then
        let kind = self.connections[Int(slot)].kind
        let identity = self.shard.identity(of: slot)
        let (id, mailbox) = (self.reactor.id(of: slot), self.shard.mailbox)
        let client = ProxyClient(
            client: self.shared.clients.text(of: id), transport: kind.transport.rawValue,
            encoding: kind.isProtobuf ? .protobuf : .json, user: identity?.user ?? "", meta: identity?.meta)
        let answer: @Sendable (ProxyOutcome) -> Void = { outcome in
            mailbox.post(control: .completed(id, ticket: ticket, .proxied(outcome)))
        }
        guard let proxy = self.shared.proxy, extras.questions.count <= Self.questionsMax else {
            return answer(.failed(.overloaded))
        }
        proxy.ask(ProxyRequest(question, client: client), headers: extras.lines, completion: answer)
    }

    func askToConnect(_ slot: Int32, _ pending: PendingConnect) {
        var connect = ProxyRequest.Connect()
        connect.name = pending.request.name
        connect.version = pending.request.version
        connect.data = pending.request.data
        connect.channels = pending.request.subscriptions.keys.sorted()
        self.withExtras(slot).connect = pending
        self.wait(slot)
        self.ask(slot, .connect(connect), then: .connect)
    }

    func askToSubscribe(_ slot: Int32, _ request: CentrifugeCommand.SubscribeRequest, id: UInt32) {
        guard self.asksProxy(.subscribe) else { return self.reply(slot, .error(.permissionDenied), id: id) }
        let open = self.existingExtras(slot)?.questions.values
        if open?.contains(where: { $0.subscribes == request.channel }) ?? false {
            return self.reply(slot, .error(.alreadySubscribed), id: id)
        }
        self.ask(
            slot, .subscribe(channel: request.channel, token: request.token, data: request.data),
            then: .subscribe(request, id: id))
    }

    /// A client that unsubscribes no longer wants what it asked for.
    func forgetAsking(_ slot: Int32, toSubscribeTo channel: String) {
        guard let extras = self.existingExtras(slot) else { return }
        for (ticket, question) in extras.questions {
            guard case .subscribe(let request, let id) = question, request.channel == channel else { continue }
            extras.questions[ticket] = nil
            self.reply(slot, .error(.permissionDenied), id: id)
        }
        self.dropExtrasIfIdle(slot)
    }

    func askToPublish(_ slot: Int32, _ channel: String, _ payload: PublishedPayload, id: UInt32) {
        guard self.asksProxy(.publish) else { return self.reply(slot, .error(.permissionDenied), id: id) }
        self.ask(
            slot, .publish(channel: channel, data: payload.bytes, isBinary: payload.isBinary),
            then: .publish(channel: channel, payload, id: id))
    }

    func call(_ slot: Int32, _ method: String, _ data: [UInt8]?, id: UInt32) {
        guard self.asksProxy(.rpc) else { return self.reply(slot, .error(.notAvailable), id: id) }
        self.ask(slot, .rpc(method: method, data: data), then: .rpc(id: id))
    }

    func askToRefresh(_ slot: Int32) { self.ask(slot, .refresh, then: .refresh) }

    func askToProlong(_ slot: Int32, _ channel: String) {
        self.ask(slot, .subRefresh(channel: channel), then: .subRefresh(channel: channel))
    }

    // MARK: - Answers

    func proxied(_ slot: Int32, ticket: UInt32, _ outcome: ProxyOutcome) {
        guard let extras = self.existingExtras(slot),
            let question = extras.questions.removeValue(forKey: ticket)
        else { return }
        defer { self.dropExtrasIfIdle(slot) }
        guard self.connections[Int(slot)].isOpen else { return }
        if case .answered(.disconnect(let code, let reason), _) = outcome {
            let other = CloseReason.mayReconnect(after: code) ? CloseReason.forceReconnect : .forceDisconnect
            return self.end(slot, CloseNotice(code: code, text: reason) ?? CloseNotice(other))
        }
        switch question {
        case .connect: self.connectProxied(slot, outcome)
        case .refresh: self.refreshProxied(slot, outcome)
        case .subscribe(let request, let id): self.subscribeProxied(slot, request, id: id, outcome)
        case .publish(let channel, let payload, let id): self.publishProxied(slot, channel, payload, id: id, outcome)
        case .rpc(let id):
            guard case .answered(.rpc(let data), _) = outcome else {
                return self.reply(slot, Self.error(outcome), id: id)
            }
            self.reply(slot, .rpc(data: data), id: id)
        case .subRefresh(let channel): self.subRefreshProxied(slot, channel, outcome)
        }
    }

    /// What a client is told where the answer is no yes.
    private static func error(_ outcome: ProxyOutcome) -> CentrifugeReply {
        switch outcome {
        case .failed(let failure): .error(failure.error)
        case .answered(.error(let code, let message, let isTemporary), _):
            .error(code: code, message: message, isTemporary: isTemporary)
        case .answered: .error(.internalError)
        }
    }

    private func connectProxied(_ slot: Int32, _ outcome: ProxyOutcome) {
        guard let extras = self.existingExtras(slot), var pending = extras.connect else { return }
        extras.connect = nil
        self.connections[Int(slot)].flags.remove(.waits)
        self.reactor.setDeadline(slot, at: self.reactor.now + self.limits.handshakeDeadline.nanoseconds)
        if case .answered(.connect(let result), let askedAt) = outcome {
            let identity = result.identity(askedAt: askedAt, indexing: self.shared.configuration.indexedClaims)
            pending.data = result.data
            if let end = identity.expiresAt, Double(end) <= Clock.wall {
                self.refuseConnect(slot, .error(.expired), id: pending.id)
            } else {
                self.connect(slot, as: identity, pending)
            }
        } else {
            self.refuseConnect(slot, Self.error(outcome), id: pending.id)
        }
        self.goOn(slot)
    }

    private func subscribeProxied(
        _ slot: Int32, _ request: CentrifugeCommand.SubscribeRequest, id: UInt32, _ outcome: ProxyOutcome
    ) {
        guard case .answered(.subscribe(let result), _) = outcome else {
            return self.reply(slot, Self.error(outcome), id: id)
        }
        // The server may have subscribed it meanwhile.
        if self.shard.isSubscribed(slot, to: request.channel) {
            return self.reply(slot, .error(.alreadySubscribed), id: id)
        }
        if let end = result.expiresAt, Double(end) <= Clock.wall {
            return self.reply(slot, .error(.expired), id: id)
        }
        var terms = ServerSubscription(channel: request.channel)
        terms.info = result.info
        terms.data = result.data
        terms.expiresAt = result.expiresAt
        terms.overrides = result.overrides
        self.subscribe(slot, request, id: id, on: terms)
    }

    private func publishProxied(
        _ slot: Int32, _ channel: String, _ asked: PublishedPayload, id: UInt32, _ outcome: ProxyOutcome
    ) {
        guard case .answered(.publish(let result), _) = outcome else {
            return self.reply(slot, Self.error(outcome), id: id)
        }
        let kind: NamespaceOptions.Data = asked.isBinary ? .binary : .json
        let payload =
            result.bytes.map { PublishedPayload(anything: $0, for: kind) }
            ?? result.data.map { PublishedPayload(json: $0, for: kind) } ?? asked
        // The back-end's mistake, and not the client's.
        guard let payload else { return self.reply(slot, .error(.internalError), id: id) }
        guard payload.bytes.count <= self.limits.publicationBytesMax else {
            return self.reply(slot, .error(.limitExceeded), id: id)
        }
        var publication = Publication(channel: channel, payload, time: Clock.wall)
        publication.info = self.clientInfo(slot, in: channel).json
        publication.tags = result.tags
        var options = PublishOptions(
            history: result.skipsHistory ? nil : self.namespaces.options(of: channel)?.history)
        options.idempotencyKey = result.idempotencyKey
        options.version = result.version
        options.versionEpoch = result.versionEpoch
        self.shard.publish(publication, options, from: slot, ticket: id)
    }
}
