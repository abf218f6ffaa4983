// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import MartletHub
import MartletProtocol
import MartletReactor
import MartletSessions

/// What a connection may do with a channel, and what it asks of the bus; the same in every protocol.
extension EdgeShard {
    /// Publications that one answer holds at most; every client of the protocol knows it.
    static let historyPublicationsMax = 300
    /// Bytes of their data, beyond which the answer ends earlier.
    private static let historyBytesMax = 524_288

    enum Permission: Equatable {
        case permitted
        case refused(CentrifugeError)
        /// The back-end decides.
        case askProxy
    }

    /// What a token for one channel was found to say to one connection.
    enum TokenTerms {
        case granted(ServerSubscription)
        case refused(CentrifugeError)
        /// It is good, and somebody else's, or another channel's.
        case mismatch
    }

    /// The rules of a channel by its name, or why it has none.
    func options(of channel: String) -> Result<NamespaceOptions, CentrifugeError> {
        guard ChannelName.isValid(channel, bytesMax: self.limits.channelBytesMax) else { return .failure(.badRequest) }
        guard let options = self.namespaces.options(of: channel) else { return .failure(.unknownChannel) }
        return .success(options)
    }

    // MARK: - Rights

    /// - Parameter hasToken: The subscription brought a verified token for this connection and channel.
    func subscribing(_ slot: Int32, to channel: String, hasToken: Bool = false) -> Permission {
        self.permission(slot, channel) { $0.subscribing(to: channel, by: $1, hasToken: hasToken) }
    }

    func publishing(_ slot: Int32, to channel: String, _ payload: PublishedPayload) -> Permission {
        if payload.bytes.isEmpty { return .refused(.badRequest) }
        if payload.bytes.count > self.limits.publicationBytesMax { return .refused(.limitExceeded) }
        return self.permission(slot, channel) {
            $0.publishing(to: channel, by: $1, isSubscribed: self.shard.isSubscribed(slot, to: channel))
        }
    }

    private func permission(
        _ slot: Int32, _ channel: String, _ decide: (NamespaceOptions, Identity) -> NamespaceOptions.Decision
    ) -> Permission {
        switch self.options(of: channel) {
        case .failure(let error): return .refused(error)
        case .success(let options):
            guard let identity = self.shard.identity(of: slot) else { return .refused(.unauthorized) }
            return switch decide(options, identity) {
            case .permitted: .permitted
            case .refused: .refused(.permissionDenied)
            case .askProxy: .askProxy
            }
        }
    }

    /// Whether a connection may subscribe, or the error that says why not, where no back-end can be asked.
    func mayNotSubscribe(_ slot: Int32, to channel: String) -> CentrifugeError? {
        Self.error(self.subscribing(slot, to: channel))
    }

    /// Whether a connection may publish, or the error that says why not, where no back-end can be asked.
    func mayNotPublish(_ slot: Int32, to channel: String, _ payload: PublishedPayload) -> CentrifugeError? {
        Self.error(self.publishing(slot, to: channel, payload))
    }

    /// What a client wants published, as the channel takes it, or why it cannot.
    func payload(
        for channel: String, _ make: (NamespaceOptions.Data) -> PublishedPayload?
    ) -> Result<PublishedPayload, CentrifugeError> {
        self.options(of: channel).flatMap { options in make(options.data).map { .success($0) } ?? .failure(.badRequest)
        }
    }

    private static func error(_ permission: Permission) -> CentrifugeError? {
        switch permission {
        case .permitted: nil
        case .refused(let error): error
        case .askProxy: .permissionDenied
        }
    }

    /// What a connection may ask about a channel, by the right that the namespace names; or the error that says why not.
    private func mayNotRead(
        _ slot: Int32, _ channel: String, _ options: NamespaceOptions, _ right: NamespaceOptions.ReadRight
    ) -> CentrifugeError? {
        guard let identity = self.shard.identity(of: slot) else { return .unauthorized }
        let isSubscribed = self.shard.isSubscribed(slot, to: channel)
        return options.permitsReading(right, of: channel, by: identity, isSubscribed: isSubscribed)
            ? nil : .permissionDenied
    }

    /// Judges a token for one channel.
    func terms(of token: String, _ slot: Int32, for channel: String) -> TokenTerms {
        switch self.shared.verifier.verifySubscription(token) {
        case .keysNeeded:
            // The client tries again, and by then they may have come.
            self.shared.requestKeys()
            return .refused(.internalError)
        case .rejected(.expired): return .refused(.tokenExpired)
        case .rejected(.keysUnavailable): return .refused(.internalError)
        case .rejected: return .refused(.permissionDenied)
        case .verified(let token):
            let isForAny = token.client.isEmpty
            guard token.channel == channel, token.user == self.shard.identity(of: slot)?.user,
                isForAny || token.client == self.shared.clients.text(of: self.reactor.id(of: slot))
            else { return .mismatch }
            // What the leeway for clocks lets in beyond the grace would end at once.
            if let end = token.expiresAt, Double(end) + self.limits.expiryGrace.inSeconds <= Clock.wall {
                return .refused(.tokenExpired)
            }
            var terms = ServerSubscription(channel: channel)
            terms.info = token.info
            terms.expiresAt = token.expiresAt
            terms.overrides = token.overrides
            return .granted(terms)
        }
    }

    // MARK: - How a connection subscribes

    /// What a subscription is to be, by its namespace, by what its client asks for, and by what token or back-end say.
    ///
    /// - Parameter asked: What its client asks for; nil where it is asked nothing.
    func subscribeOptions(
        _ options: NamespaceOptions, _ overrides: SubscriptionOverrides,
        asked: CentrifugeCommand.SubscribeRequest?, isServerSide: Bool, ticket: UInt32
    ) -> SubscribeOptions {
        var subscribe = SubscribeOptions(ticket: ticket, history: options.history)
        subscribe.positionCheck = options.positionCheck
        if isServerSide { subscribe.flags.insert(.serverSide) }
        if overrides.presence ?? options.presence { subscribe.flags.insert(.present) }
        if overrides.joinLeave ?? options.joinLeave {
            subscribe.flags.insert(.announced)
            if overrides.forceJoinLeave ?? options.forceJoinLeave || asked?.joinLeave ?? false {
                subscribe.flags.insert(.joinLeave)
            }
        }
        guard options.history != nil else { return subscribe }
        // The server's own subscriptions have nobody who could ask.
        let wantsRecovery = asked.map { $0.recoverable || $0.recover } ?? false || isServerSide
        let isRecoverable = overrides.forceRecovery ?? false || (wantsRecovery && options.recovery != .off)
        if isRecoverable { subscribe.flags.insert(.recoverable) }
        if isRecoverable || overrides.forcePositioning ?? false || asked?.positioned ?? false {
            subscribe.flags.insert(.positioned)
        }
        if isRecoverable, let asked, asked.recover {
            subscribe.since = StreamPosition(offset: asked.offset, epoch: asked.epoch)
            subscribe.recovery = options.recovery == .off ? .stream : options.recovery
        }
        return subscribe
    }

    // MARK: - Asking the bus

    /// Who a connection is to the others in a channel.
    func clientInfo(_ slot: Int32, in channel: String) -> CentrifugeClientInfo {
        let identity = self.shard.identity(of: slot) ?? Self.anonymous
        return CentrifugeClientInfo(
            user: identity.user, client: self.shared.clients.text(of: self.reactor.id(of: slot)),
            connectionInfo: identity.info, channelInfo: self.existingExtras(slot)?.subscriptions[channel]?.info)
    }

    /// Hands a client's message to the bus under its name; the outcome comes as `Completion.published`.
    func publish(_ slot: Int32, channel: String, _ payload: PublishedPayload, ticket: UInt32) {
        var publication = Publication(channel: channel, payload, time: Clock.wall)
        publication.info = self.clientInfo(slot, in: channel).json
        let options = PublishOptions(history: self.namespaces.options(of: channel)?.history)
        self.shard.publish(publication, options, from: slot, ticket: ticket)
    }

    /// Asks for a part of a channel's stream; nil where the outcome will come, as `Completion.history`.
    ///
    /// - Parameter limit: Zero asks for the position alone, less for as many as there may be.
    func askHistory(
        _ slot: Int32, _ channel: String, since: StreamPosition?, limit: Int, isReverse: Bool, ticket: UInt32
    ) -> CentrifugeError? {
        let options: NamespaceOptions
        switch self.options(of: channel) {
        case .failure(let error): return error
        case .success(let found): options = found
        }
        guard let history = options.history else { return .notAvailable }
        if let error = self.mayNotRead(slot, channel, options, options.historyRight) { return error }
        let most = Self.historyPublicationsMax
        let query = HistoryQuery(
            since: since, limit: limit < 0 ? most : min(limit, most), isReverse: isReverse, history: history)
        self.shard.ask(slot, ticket: ticket) { bus, answer in
            bus.history(channel, query) { result in
                if case .success(let page) = result, let epoch = since?.epoch, !epoch.isEmpty, epoch != page.top.epoch {
                    return answer(.unrecoverable)
                }
                answer(.history(result.map(Self.bounded)))
            }
        }
        return nil
    }

    /// As much of a page as a connection may have pending: what is left out can be asked for from where it ends.
    private static func bounded(_ page: HistoryPage) -> HistoryPage {
        var page = page
        var bytes = 0
        page.publications = Array(
            page.publications.prefix { publication in
                bytes += publication.data.count
                return bytes <= Self.historyBytesMax || bytes == publication.data.count
            })
        return page
    }

    /// Asks who is in a channel; nil where the outcome will come, as `Completion.presence`.
    func askPresence(_ slot: Int32, _ channel: String, ticket: UInt32) -> CentrifugeError? {
        if let error = self.mayNotAskPresence(slot, channel) { return error }
        self.shard.ask(slot, ticket: ticket) { bus, answer in bus.presence(channel) { answer(.presence($0)) } }
        return nil
    }

    /// Asks how many are in a channel; nil where the outcome will come, as `Completion.presenceStats`.
    func askPresenceStats(_ slot: Int32, _ channel: String, ticket: UInt32) -> CentrifugeError? {
        if let error = self.mayNotAskPresence(slot, channel) { return error }
        self.shard.ask(slot, ticket: ticket) { bus, answer in
            bus.presenceStats(channel) { answer(.presenceStats($0)) }
        }
        return nil
    }

    private func mayNotAskPresence(_ slot: Int32, _ channel: String) -> CentrifugeError? {
        switch self.options(of: channel) {
        case .failure(let error): error
        case .success(let options) where !options.presence: .notAvailable
        case .success(let options): self.mayNotRead(slot, channel, options, options.presenceRight)
        }
    }
}
