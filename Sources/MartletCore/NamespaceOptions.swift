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
    }

    /// Which clients may publish. Back-end services publish through the API, whatever stands here.
    package enum PublishRight: String, CaseIterable, Sendable {
        case none
        /// Who is subscribed to the channel.
        case subscribers
        case authenticated
        case anonymous
    }

    /// What happens to a connection that takes messages more slowly than they come.
    package enum SlowConsumerPolicy: String, CaseIterable, Sendable {
        case disconnect
    }

    /// What precedes the first colon of a channel's name; empty for channels that have no namespace.
    package var name: String
    package var subscribe: SubscribeRight
    package var publish: PublishRight
    package var slowConsumer: SlowConsumerPolicy

    package init(
        name: String = "", subscribe: SubscribeRight = .token, publish: PublishRight = .none,
        slowConsumer: SlowConsumerPolicy = .disconnect
    ) {
        self.name = name
        self.subscribe = subscribe
        self.publish = publish
        self.slowConsumer = slowConsumer
    }

    /// Whether `identity` may subscribe to `channel`, a name of this namespace.
    ///
    /// - Parameter hasToken: The subscription brought a verified token for this user and channel.
    package func permitsSubscribing(to channel: String, by identity: Identity, hasToken: Bool = false) -> Bool {
        if hasToken || identity.channels.contains(channel) { return true }
        guard let open = Self.permitsByName(channel, identity) else { return self.permitsSubscribing(identity) }
        return open
    }

    /// Whether `identity` may publish to `channel`, a name of this namespace.
    package func permitsPublishing(to channel: String, by identity: Identity, isSubscribed: Bool) -> Bool {
        let permitted =
            switch self.publish {
            case .none: false
            case .subscribers: isSubscribed
            case .authenticated: !identity.isAnonymous
            case .anonymous: true
            }
        // Whom the channel's name keeps from reading, it keeps from writing.
        return permitted && (isSubscribed || Self.permitsByName(channel, identity) ?? true)
    }

    private func permitsSubscribing(_ identity: Identity) -> Bool {
        switch self.subscribe {
        case .token: false
        case .authenticated: !identity.isAnonymous
        case .anonymous: true
        }
    }

    /// What the name alone decides: `$private` needs a token, `name#1,2` admits those users; nil where it says nothing.
    private static func permitsByName(_ channel: String, _ identity: Identity) -> Bool? {
        if ChannelName.isPrivate(channel) { return false }
        guard let users = ChannelName.users(of: channel) else { return nil }
        let user = identity.user
        return !user.isEmpty && users.contains { $0 == user }
    }
}
