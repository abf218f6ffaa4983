// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
package import MartletPolicy

extension NodeConfiguration {
    /// Who is asked whether sessions are alive, and when.
    package struct Validation: Sendable {
        package var kind = Kind.none
        package var url: String?
        package var interval: Duration = .seconds(600)
        package var intervalDegraded: Duration = .seconds(60)
        package var stalenessMax: Duration = .seconds(3600)
        package var onUnavailable = ValidationConfiguration.Unavailable.keep
        package var onConnect = ValidationConfiguration.OnConnect.degraded
        package var onConnectTimeout: Duration = .seconds(3)
        package var onConnectWaitingMax = 10_000
        package var batch = 500
        package var batchWait: Duration = .milliseconds(250)
        package var callsPerSecond: Double = 10
        package var concurrency = 4
        package var timeout: Duration = .seconds(5)
        package var failuresMax = 5
        package var backoff: Duration = .milliseconds(500)
        package var backoffMax: Duration = .seconds(30)
        package var missedPushGrace: Duration = .seconds(5)
        package var guardShare = 0.2
        package var guardAnswersMin = 500
        package var lingeringMax = 65_536
        package var bearer: String?
        package var bearerFile: String?
        package var user: String?
        package var password: String?
        package var clientAuthentication = ClientAuthentication.basic
        package var headers: [String: String] = [:]
        package var tlsCAFile: String?
        package var tlsCertificateFile: String?
        package var tlsKeyFile: String?
        package var redisURL: String?
        package var redisKey: String?
        package var redisTest = RedisTest.exists
        package var redisValue: String?

        package enum Kind: String, CaseIterable, Sendable {
            case none, http, introspection, redis
        }

        /// Where an authority is told the node's own name and secret.
        package enum ClientAuthentication: String, CaseIterable, Sendable {
            case basic, post
        }

        package enum RedisTest: String, CaseIterable, Sendable {
            case exists, equals, contains
        }

        var isOverHTTP: Bool { self.kind == .http || self.kind == .introspection }
    }

    static let validationKeys: [Key] =
        Self.authorityKeys + Self.authorityCallKeys + Self.validationTimeKeys + Self.validationPolicyKeys

    private static func key<Value>(
        _ name: String, _ path: Key.Path<Value>, _ codec: ConfigurationCodec<Value>, _ summary: String
    ) -> Key {
        .value("validation." + name, path, codec, in: NodeConfiguration(), summary)
    }

    private static func optional<Value>(
        _ name: String, _ path: Key.Path<Value?>, _ codec: ConfigurationCodec<Value>, absent: String? = nil,
        _ summary: String
    ) -> Key {
        .optional("validation." + name, path, codec, absent: absent, summary)
    }

    private static let authorityKeys: [Key] = [
        Self.key(
            "kind", \.validation.kind, .choice,
            "Which authority is asked whether sessions are still valid: `http`, a batch endpoint; `introspection`, "
                + "RFC 7662, a call for each token; `redis`, a key for each session; or `none`."),
        Self.optional(
            "url", \.validation.url, .url("https", "http"), "The batch endpoint, or the introspection endpoint."),
        Self.optional("bearer", \.validation.bearer, .text, "Bearer token that the node shows the authority.").secret,
        Self.optional(
            "bearer_file", \.validation.bearerFile, .text,
            "File that holds it, read again every 15 seconds, as it may be replaced while the node runs."),
        Self.optional(
            "user", \.validation.user, .text,
            "The node's own name at the authority: of HTTP's basic authentication, or `client_id`."),
        Self.optional("password", \.validation.password, .text, "Its password, or `client_secret`.").secret,
        Self.key(
            "client_authentication", \.validation.clientAuthentication, .choice,
            "Where `introspection` puts `validation.user` and `validation.password`: `basic`, in the head, or `post`, "
                + "in the body."),
        .map("validation.headers", \.validation.headers, "Further headers of every call.").secret,
        Self.optional(
            "tls_ca_file", \.validation.tlsCAFile, .text, absent: "those of the system",
            "PEM file of the certificates that the authority's must lead to."),
        Self.optional(
            "tls_certificate_file", \.validation.tlsCertificateFile, .text,
            "PEM file of the node's own certificate, with those that lead to its issuer."),
        Self.optional("tls_key_file", \.validation.tlsKeyFile, .text, "PEM file of its private key."),
        Self.optional(
            "redis_url", \.validation.redisURL, .url("redis"), absent: "`redis.urls`",
            "The Redis that `redis` asks: `redis://[user:password@]host:port[/database]`."
        ).secret,
        Self.optional(
            "redis_key", \.validation.redisKey, .text,
            "The key of a session there, with `{session}`, `{user}` or `{token}` in it, such as `session:{session}`."),
        Self.key(
            "redis_test", \.validation.redisTest, .choice,
            "What makes a session alive: that its key `exists`, or that the key's value `equals` or `contains` "
                + "`validation.redis_value`."),
        Self.optional("redis_value", \.validation.redisValue, .text, "What the value is compared with."),
    ]

    private static let authorityCallKeys: [Key] = [
        Self.key("batch", \.validation.batch, .integer(1...100_000), "Sessions in one call."),
        Self.key("batch_wait", \.validation.batchWait, .duration(), "How long a call waits to be full."),
        Self.key(
            "calls_per_second", \.validation.callsPerSecond, .positive,
            "Calls of this node a second. Where that cannot hold the interval, the interval stretches."),
        Self.key("concurrency", \.validation.concurrency, .integer(1...1000), "Calls under way at a time."),
        Self.key(
            "timeout", \.validation.timeout, .duration(from: .milliseconds(1)), "How long one call may take."),
        Self.key(
            "failures_max", \.validation.failuresMax, .integer(1...1_000_000),
            "Failed calls in a row after which one at a time tries whether the authority is back."),
        Self.key(
            "backoff", \.validation.backoff, .duration(from: .milliseconds(1)),
            "How long no call is made after one that failed; twice as long after each that follows."),
        Self.key("backoff_max", \.validation.backoffMax, .duration(from: .milliseconds(1)), "The most of that."),
    ]

    private static let validationTimeKeys: [Key] = [
        Self.key(
            "interval", \.validation.interval, .duration(from: .seconds(1)),
            "How often each session is asked about while push is healthy."),
        Self.key(
            "interval_degraded", \.validation.intervalDegraded, .duration(from: .seconds(1)),
            "The same while push is not healthy."),
        Self.key(
            "staleness_max", \.validation.stalenessMax, .duration(from: .seconds(1)),
            "How old a session's last good answer may become before `validation.on_unavailable` decides."),
        Self.key(
            "on_unavailable", \.validation.onUnavailable, .choice,
            "What becomes of a session whose last good answer is too old, and of a connection whose session the "
                + "authority does not answer for in time: `keep`, counted, or `close`."),
        Self.key(
            "on_connect", \.validation.onConnect, .choice,
            "When a connection is let in only after the authority has answered for its session: `never`, `degraded` "
                + "(while push is not healthy), or `always`. An answer that is younger than "
                + "`validation.interval_degraded` counts."),
        Self.key(
            "on_connect_timeout", \.validation.onConnectTimeout, .duration(from: .milliseconds(50)),
            "How long a connection waits for that answer."),
        Self.key(
            "on_connect_waiting_max", \.validation.onConnectWaitingMax, .integer(1...10_000_000),
            "Connections that may wait for it at a time."),
        Self.key(
            "lingering_max", \.validation.lingeringMax, .integer(0...100_000_000),
            "Sessions without a connection whose last answer is remembered, so that reconnecting escapes nothing."),
    ]

    private static let validationPolicyKeys: [Key] = [
        Self.key(
            "missed_push_grace", \.validation.missedPushGrace, .duration(),
            "How long an event may take after the authority's answer before it counts as missed."),
        Self.key(
            "guard_share", \.validation.guardShare, .positive,
            "The share of a minute's answers that may say dead. Beyond it nobody is closed for what the authority "
                + "says, until it falls again; 1 never is."),
        Self.key(
            "guard_answers_min", \.validation.guardAnswersMin, .integer(1...Int.max),
            "Answers in that minute from which on the share counts."),
    ]
}
