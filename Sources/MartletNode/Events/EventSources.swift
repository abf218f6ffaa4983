// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletProtocol
import MartletSessions

/// Where events come from that end sessions, and what judges those that are tokens; who names the same keys shares them.
struct EventSources: Sendable {
    private let configuration: NodeConfiguration
    /// The keys that clients' tokens are judged by, for who names none.
    private let shared: KeyRing
    private let metrics: SessionMetrics
    private let logger: Logger
    /// Other keys, which must be kept fresh.
    private(set) var rings: [KeyRingConfiguration: KeyRing] = [:]
    /// The keys of topics whose tokens are judged strictly, by topic: what is read without them is refused for good.
    private(set) var strictRings: [String: KeyRing] = [:]
    /// What reads each of the configuration's topics.
    private(set) var topics: [InvalidationTopic] = []
    /// What judges the tokens that are delivered, for each kind that is received.
    private(set) var receivers: [EventTokenKind: EventTokenVerifier] = [:]

    init(
        _ configuration: NodeConfiguration, _ shared: KeyRing, _ metrics: SessionMetrics, _ logger: Logger
    ) throws {
        self.configuration = configuration
        self.shared = shared
        self.metrics = metrics
        self.logger = logger
        self.topics = try self.makeTopics()
        self.receivers = try self.makeReceivers()
    }

    private mutating func makeTopics() throws -> [InvalidationTopic] {
        var topics: [InvalidationTopic] = []
        for topic in self.configuration.kafka.topics {
            let reader: InvalidationTopic.Reader
            switch topic.format {
            case .martlet: reader = .martlet
            case .cloudEvents: reader = .cloudEvents
            case .securityEvents, .logoutTokens:
                let kind = topic.format.tokenKind ?? .securityEvent
                var settings = self.settings(kind, topic.tokens)
                settings.isStrict = topic.verification == .strict
                let ring = try self.ring(for: topic.tokens)
                if settings.isStrict { self.strictRings[topic.name] = ring }
                reader = .tokens(EventTokenVerifier(settings, keys: ring))
            case .sessionTable:
                reader = .table(
                    SessionTable(
                        field: topic.field.flatMap { JSONPath($0) }, values: topic.values,
                        keyField: topic.keyField.flatMap { JSONPath($0) }))
            }
            topics.append(InvalidationTopic(name: topic.name, reader: reader, deadLetter: topic.deadLetter))
        }
        return topics
    }

    private mutating func makeReceivers() throws -> [EventTokenKind: EventTokenVerifier] {
        var verifiers: [EventTokenKind: EventTokenVerifier] = [:]
        for (kind, receiver) in [
            (EventTokenKind.securityEvent, self.configuration.receivers.securityEvents),
            (.logout, self.configuration.receivers.logout),
        ] where receiver.isEnabled {
            var settings = self.settings(kind, receiver.tokens)
            let auth = self.configuration.auth
            settings.issuer = settings.issuer ?? auth.issuer
            if settings.audiences.isEmpty { settings.audiences = [auth.audience].compactMap { $0 } }
            verifiers[kind] = EventTokenVerifier(settings, keys: try self.ring(for: receiver.tokens))
        }
        return verifiers
    }

    private func settings(_ kind: EventTokenKind, _ source: NodeConfiguration.TokenSource) -> EventTokenConfiguration {
        var settings = EventTokenConfiguration(kind)
        settings.issuer = source.issuer ?? (source.hasKeys ? nil : self.configuration.auth.issuer)
        settings.audiences = source.audiences
        settings.leeway = self.configuration.auth.leeway
        return settings
    }

    private mutating func ring(for source: NodeConfiguration.TokenSource) throws(TokenKeyError) -> KeyRing {
        guard source.hasKeys else { return self.shared }
        var settings = KeyRingConfiguration()
        settings.publicKeys = source.publicKeys
        settings.jwksURL = source.jwksURL
        settings.jwksInterval = self.configuration.auth.jwksRefresh
        if let ring = self.rings[settings] { return ring }
        let ring = try KeyRing(settings, metrics: self.metrics, logger: self.logger)
        self.rings[settings] = ring
        return ring
    }
}
