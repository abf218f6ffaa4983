// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

/// What may be done with the channels of one namespace.
package struct NamespaceOptions: Sendable, Equatable {
    /// Who may subscribe without a token for just that channel.
    package enum SubscribeRight: String, CaseIterable, Sendable {
        /// Nobody: the connection's token names the channel, or the subscription brings a token of its own.
        case token
        /// Every user; only anonymous connections may not.
        case authenticated
        /// Everybody who may connect.
        case anonymous
        /// Whom the back-end's subscribe proxy lets in.
        case proxy
    }

    /// Which clients may publish. Back-end services publish through the API, whatever stands here.
    package enum PublishRight: String, CaseIterable, Sendable {
        case none
        /// Who is subscribed to the channel.
        case subscribers
        case authenticated
        case anonymous
        /// Who is let by the back-end's publish proxy.
        case proxy
    }

    /// Which clients may ask who is in a channel, or what was published in it.
    package enum ReadRight: String, CaseIterable, Sendable {
        case none
        /// Who is subscribed to the channel.
        case subscribers
        case authenticated
        case anonymous
    }

    /// What a subscription can get back of what it missed.
    package enum Recovery: String, CaseIterable, Sendable {
        case off
        /// Everything, in order, as far as the history reaches.
        case stream
        /// The latest publication alone.
        case cache
    }

    /// What happens to a connection that takes messages more slowly than they come.
    package enum SlowConsumerPolicy: String, CaseIterable, Sendable {
        /// The connection ends, and its client comes back and recovers.
        case disconnect
        /// What waited longest is dropped, and the client is told of the gap.
        case dropOldest = "drop_oldest"
        /// All that waits but the latest is dropped, and the client is told of the gap.
        case latest
    }

    /// What subscribers may ask to be given in place of whole publications.
    package enum Delta: String, CaseIterable, Sendable {
        case off
        /// Patches in the delta format of Fossil, each against the publication before.
        case fossil
    }

    /// What the payloads of publications are.
    package enum Data: String, CaseIterable, Sendable {
        /// JSON; other text becomes a JSON string.
        case json
        /// Any bytes, which clients of JSON get in base 64.
        case binary
    }

    /// What precedes the first colon of a channel's name; empty for channels that have no namespace.
    package var name: String
    package var subscribe: SubscribeRight
    package var publish: PublishRight
    package var slowConsumer: SlowConsumerPolicy
    /// Whether it is kept who is in a channel.
    package var presence = false
    package var presenceRight = ReadRight.subscribers
    /// Whether comings and goings are told to the subscribers that ask for them.
    package var joinLeave = false
    /// Whether they are told to all subscribers.
    package var forceJoinLeave = false
    /// Publications that are kept; 0 keeps none.
    package var historySize = 0
    package var historyTTL = Duration.seconds(300)
    package var historyRight = ReadRight.subscribers
    package var recovery = Recovery.stream
    /// Time between comparisons of a quiet subscription's position with its stream; zero for never, nil for the
    /// node's own.
    package var positionCheck: Duration?
    package var delta = Delta.off
    package var data = Data.json

    package init(
        name: String = "", subscribe: SubscribeRight = .token, publish: PublishRight = .none,
        slowConsumer: SlowConsumerPolicy = .disconnect
    ) {
        self.name = name
        self.subscribe = subscribe
        self.publish = publish
        self.slowConsumer = slowConsumer
    }

    /// How much of a channel's stream is kept; nil where nothing is.
    package var history: HistoryOptions? {
        self.historySize > 0 ? HistoryOptions(size: self.historySize, ttl: self.historyTTL) : nil
    }

    /// What the options say to something that a client wants to do.
    package enum Decision: Sendable {
        case permitted, refused
        /// The back-end decides.
        case askProxy
    }

    /// Whether `identity` may subscribe to `channel`, a name of this namespace.
    ///
    /// - Parameter hasToken: The subscription brought a verified token for this user and channel.
    package func subscribing(to channel: String, by identity: Identity, hasToken: Bool = false) -> Decision {
        if hasToken || identity.has(channel) { return .permitted }
        if let open = Self.permitsByName(channel, identity) { return open ? .permitted : .refused }
        return switch self.subscribe {
        case .token: .refused
        case .authenticated: identity.isAnonymous ? .refused : .permitted
        case .anonymous: .permitted
        case .proxy: .askProxy
        }
    }

    /// The same where nobody can be asked.
    package func permitsSubscribing(to channel: String, by identity: Identity, hasToken: Bool = false) -> Bool {
        if case .permitted = self.subscribing(to: channel, by: identity, hasToken: hasToken) { return true }
        return false
    }

    /// Whether `identity` may publish to `channel`, a name of this namespace.
    package func publishing(to channel: String, by identity: Identity, isSubscribed: Bool) -> Decision {
        // Whom the channel's name keeps from reading, it keeps from writing.
        guard isSubscribed || Self.permitsByName(channel, identity) ?? true else { return .refused }
        return switch self.publish {
        case .none: .refused
        case .subscribers: isSubscribed ? .permitted : .refused
        case .authenticated: identity.isAnonymous ? .refused : .permitted
        case .anonymous: .permitted
        case .proxy: .askProxy
        }
    }

    package func permitsPublishing(to channel: String, by identity: Identity, isSubscribed: Bool) -> Bool {
        if case .permitted = self.publishing(to: channel, by: identity, isSubscribed: isSubscribed) { return true }
        return false
    }

    /// Whether `identity` may ask who is in `channel`, or what was published in it, by the right named.
    package func permitsReading(
        _ right: ReadRight, of channel: String, by identity: Identity, isSubscribed: Bool
    ) -> Bool {
        let isPermitted =
            switch right {
            case .none: false
            case .subscribers: isSubscribed
            case .authenticated: !identity.isAnonymous
            case .anonymous: true
            }
        return isPermitted && (isSubscribed || Self.permitsByName(channel, identity) ?? true)
    }

    /// What the name alone decides: `$private` needs a token, `name#1,2` admits those users; nil where it says nothing.
    private static func permitsByName(_ channel: String, _ identity: Identity) -> Bool? {
        if ChannelName.isPrivate(channel) { return false }
        guard let users = ChannelName.users(of: channel) else { return nil }
        let user = identity.user
        return !user.isEmpty && users.contains { $0 == user }
    }
}
