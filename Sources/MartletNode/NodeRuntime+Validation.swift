// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletCore
import MartletHTTP
import MartletHub
import MartletKafka
import MartletPolicy
import MartletRedis
import MartletSessions

/// The authority over sessions: from the configuration's names to what asks it.
extension NodeRuntime {
    /// The sessions of the node and who asks about them; nil where nobody is asked.
    static func validation(
        _ configuration: NodeConfiguration, _ revocations: RevocationTable, _ missedPush: MissedPush, _ hub: Hub,
        _ revoker: Revoker, _ metrics: SessionMetrics, _ logger: Logger, isPushHealthy: @escaping @Sendable () -> Bool
    ) throws -> (SessionRoster?, ValidationService?) {
        guard let validator = try Self.validator(configuration, logger) else { return (nil, nil) }
        let settings = Self.validationConfiguration(configuration)
        let roster = SessionRoster(settings, metrics: metrics)
        let service = ValidationService(
            settings, validator: validator, roster: roster, revocations: revocations, missedPush: missedPush,
            isPushHealthy: isPushHealthy,
            handlers: .init(
                onInvalid: { revoker.found($0) },
                onStale: { [unit = settings.unit] in hub.tellAll(.closeStale($0, unit)) }),
            metrics: metrics, logger: logger)
        return (roster, service)
    }

    /// Whether what ends sessions elsewhere is told to this node.
    static func isPushHealthy(_ consumer: KafkaConsumer?, _ feed: RevocationFeed?) -> @Sendable () -> Bool {
        { consumer?.health.isHealthy ?? true && feed?.concern == nil }
    }

    static func validationConfiguration(_ configuration: NodeConfiguration) -> ValidationConfiguration {
        let validation = configuration.validation
        var settings = ValidationConfiguration()
        settings.unit = Self.unit(validation)
        settings.interval = validation.interval
        settings.intervalDegraded = validation.intervalDegraded
        // That endpoint knows no batch.
        settings.batchMax = validation.kind == .introspection ? 1 : validation.batch
        settings.batchWait = validation.batchWait
        settings.callsPerSecond = validation.callsPerSecond
        settings.concurrencyMax = validation.concurrency
        settings.stalenessMax = validation.stalenessMax
        settings.onUnavailable = validation.onUnavailable
        settings.failuresMax = validation.failuresMax
        settings.backoff = validation.backoff
        settings.backoffMax = validation.backoffMax
        settings.deadShareMax = validation.guardShare
        settings.deadSampleMin = validation.guardAnswersMin
        settings.lingeringMax = validation.lingeringMax
        settings.missedPushGrace = validation.missedPushGrace
        settings.onConnect = validation.onConnect
        settings.onConnectTimeout = validation.onConnectTimeout
        settings.onConnectWaitingMax = validation.onConnectWaitingMax
        settings.expectsPush = configuration.hasRevocationSource
        if configuration.unboundedTokens == .validate {
            settings.unboundedLifetime = configuration.sessions.tokenLifetimeMax
        }
        return settings
    }

    static func unit(_ validation: NodeConfiguration.Validation) -> ValidationUnit {
        switch validation.kind {
        case .none, .http: .session
        case .introspection: .credential
        case .redis: validation.redisKey.flatMap(RedisKeyTemplate.init)?.unit ?? .session
        }
    }

    /// Nil where nobody is asked.
    static func validator(_ configuration: NodeConfiguration, _ logger: Logger) throws -> (any SessionValidator)? {
        let validation = configuration.validation
        switch validation.kind {
        case .none: return nil
        case .http: return try Self.authority(configuration).map { HTTPValidator($0) }
        case .introspection:
            var client: IntrospectionValidator.Client?
            if validation.clientAuthentication == .post, let user = validation.user, let password = validation.password
            {
                client = .init(id: user, secret: password)
            }
            return try Self.authority(configuration).map { IntrospectionValidator($0, client: client) }
        case .redis:
            guard let text = validation.redisURL ?? configuration.redis.urls.first,
                let template = validation.redisKey.flatMap(RedisKeyTemplate.init)
            else { return nil }
            var redis = RedisConfiguration(url: try RedisURL(text), clientName: "martlet-validation")
            redis.commandTimeout = validation.timeout
            return RedisValidator(
                configuration: redis, template: template, test: Self.redisTest(validation), logger: logger)
        }
    }

    private static func redisTest(_ validation: NodeConfiguration.Validation) -> RedisValidator.Test {
        let value = Array((validation.redisValue ?? "").utf8)
        return switch validation.redisTest {
        case .exists: .exists
        case .equals: .equals(value)
        case .contains: .contains(value)
        }
    }

    private static func authority(_ configuration: NodeConfiguration) throws -> Authority? {
        let validation = configuration.validation
        guard let url = validation.url else { return nil }
        var authority = Authority(url: url)
        authority.timeout = validation.timeout
        authority.headers = validation.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        authority.pool = HTTPPool(connectionsMax: validation.concurrency, tls: try configuration.authorityTLS())
        let isInBody = validation.kind == .introspection && validation.clientAuthentication == .post
        if let bearer = validation.bearer {
            authority.credentials = AuthorityCredentials(.bearer(bearer))
        } else if let path = validation.bearerFile {
            authority.credentials = AuthorityCredentials(.bearerFile(path))
        } else if let user = validation.user, let password = validation.password, !isInBody {
            authority.credentials = AuthorityCredentials(.basic(user: user, password: password))
        }
        return authority
    }
}
