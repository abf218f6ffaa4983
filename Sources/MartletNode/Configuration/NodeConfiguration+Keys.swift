// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Logging
import MartletCore
import MartletEdge

extension NodeConfiguration {
    package typealias Key = ConfigurationKey<NodeConfiguration>

    /// Every key but `namespaces`, in the order of the reference.
    package static let keys: [Key] =
        Self.nodeKeys + Self.listenKeys + Self.authKeys + Self.proxyKeys + Self.apiKeys + Self.redisKeys
        + Self.kafkaKeys + Self.kafkaSecurityKeys + Self.receiverKeys + Self.sessionKeys + Self.validationKeys
        + Self.drainKeys + Self.clusterKeys + Self.limitKeys + Self.streamKeys + Self.presenceKeys
        + Self.transportKeys + Self.eventKeys + Self.personalChannelKeys + Self.otherKeys

    private static func value<Value>(
        _ name: String, _ path: Key.Path<Value>, _ codec: ConfigurationCodec<Value>, _ summary: String
    ) -> Key {
        .value(name, path, codec, in: NodeConfiguration(), summary)
    }

    private static let nodeKeys: [Key] = [
        .optional(
            "node.name", \.name, .text, absent: "the host's name",
            "What the node calls itself in logs and to others. No two nodes may have one name: a node that is lost would "
                + "be taken for one that was started again."),
        .optional(
            "node.address", \.address, .text, absent: "`listen.public`, with the host's name for every interface",
            "Where clients reach the node, as it tells the others; shown to people, not used."),
    ]

    private static let listenKeys: [Key] = [
        Self.value(
            "listen.public", \.listen.publicAddress, .address,
            "Where clients connect. `localhost:8000` and `:8000` (every interface) are understood."),
        Self.value(
            "listen.internal", \.listen.internalAddress, .address,
            "Where the API, metrics, health and console are served."),
        .list(
            "listen.origins", \.listen.origins, .origin, absent: "`*`",
            "Origins whose pages may connect, such as `https://app.example.com`; `*` for any. In development mode "
                + "only loopback origins may, whatever stands here."),
        Self.value(
            "listen.proxy_protocol", \.listen.proxyProtocol, .choice,
            "Whether every connection begins with a PROXY protocol header (version 1 or 2) that names the client."),
        .list(
            "listen.trusted_proxies", \.listen.trustedProxies, .addressBlock,
            "Proxies whose PROXY header and `X-Forwarded-For` are believed. Their own addresses are never limited."),
    ]

    private static let authKeys: [Key] = [
        .optional(
            "auth.hmac_secret", \.auth.hmacSecret, .text,
            "Secret of tokens signed with HS256, HS384 or HS512."
        ).live.secret,
        .list(
            "auth.public_keys", \.auth.publicKeys, .pem,
            "Public keys of tokens signed with RS*, ES* or EdDSA: PEM text, or the path of a file that holds it."
        ).live,
        .optional(
            "auth.jwks_url", \.auth.jwksURL, .url("https", "http"), "Where the issuer publishes its keys (JWKS)."),
        Self.value(
            "auth.jwks_refresh", \.auth.jwksRefresh, .duration(from: .seconds(1)),
            "How often those keys are read again."),
        .optional("auth.issuer", \.auth.issuer, .text, "What `iss` must be."),
        .optional("auth.audience", \.auth.audience, .text, "What `aud` must contain."),
        .optional(
            "auth.cookie", \.auth.cookie, .text,
            "Cookie that carries a token, for pages of the node's own host or of `listen.origins` without `*`."),
        Self.value(
            "auth.leeway", \.auth.leeway, .duration(), "How far the issuer's clock and this node's may differ."),
        .optional(
            "auth.anonymous", \.auth.anonymous, .boolean, absent: "`true` in development mode, else `false`",
            "Whether clients without a token may connect."),
    ]

    private static let apiKeys: [Key] = [
        .list("api.keys", \.api.keys, .text, "Keys of the back-end services that call the API.").live.secret,
        Self.value("api.enabled", \.api.enabled, .boolean, "Whether `/api` is served at all."),
    ]

    private static let redisKeys: [Key] = [
        .list(
            "redis.urls", \.redis.urls, .url("redis"), absent: "none: messages stay within this node",
            "The Redis that carries messages between nodes: `redis://[user:password@]host:port[/database]`."
        ).secret,
        Self.value(
            "redis.prefix", \.redis.prefix, .redisPrefix,
            "What all names in Redis begin with. Nodes that share it are one cluster; other services publish with "
                + "`PUBLISH <prefix>.<channel> <payload>`."),
    ]

    private static let kafkaKeys: [Key] = [
        .list("kafka.brokers", \.kafka.brokers, .text, "Brokers to begin with, as `host:port`."),
        .entries(
            "kafka.topics", \.kafka.topics, .kafkaTopic, Kafka.Topic.keys, fresh: Kafka.Topic(),
            located: { $0.origins[Self.origin(of: $1)] = $2 },
            "Topics that carry events which end sessions: `name`, `name=format`, or a section with the keys below."),
        Self.value(
            "kafka.start", \.kafka.start, .choice,
            "How far back a starting node reads: `timestamp`, as long as the longest token lives, or `earliest`, all."),
        Self.value(
            "kafka.silence_max", \.kafka.silenceMax, .duration(from: .seconds(1)),
            "How long a partition may go without an answer from its broker before push counts as unhealthy."),
        Self.value(
            "kafka.lag_max", \.kafka.lagMax, .integer(1...Int.max),
            "How many records behind a partition may be before push counts as unhealthy."),
        .optional(
            "kafka.revoke_topic", \.kafka.revokeTopic, .text, absent: "the first of `kafka.topics` in format `martlet`",
            "Topic that revocations made over the API are written to."),
        Self.value(
            "kafka.on_unavailable", \.kafka.onUnavailable, .choice,
            "What a starting node does while Kafka gives it nothing, or the keys of a `strict` topic cannot be fetched: "
                + "`wait`, letting nobody in, or `serve` after `kafka.start_timeout`, degraded, until it has caught up; "
                + "`validation` asks at its short interval then."),
        Self.value(
            "kafka.start_timeout", \.kafka.startTimeout, .duration(from: .seconds(1)),
            "With `kafka.on_unavailable: serve`, how long nothing may come from Kafka before the node serves."),
        .map(
            "kafka.properties", \.kafka.properties,
            "Further settings of librdkafka, by its own names (such as `socket.timeout.ms`), for whatever no key here "
                + "says. They win over those keys, but not over what no event being missed rests on."
        ).secret,
    ]

    private static let sessionKeys: [Key] = [
        Self.value(
            "sessions.token_lifetime_max", \.sessions.tokenLifetimeMax, .duration(from: .seconds(1)),
            "The longest a token lives from `iat` to `exp`, and so how long revocations are remembered."),
        .optional(
            "sessions.unbounded_tokens", \.sessions.unboundedTokens, .choice,
            absent: "`refuse` with Kafka or a receiver, else `allow`",
            "What becomes of a token without `exp` or `iat`, or that lives longer than `sessions.token_lifetime_max`."),
        .list(
            "sessions.indexed_claims", \.sessions.indexedClaims, .text,
            "Claims that an event may name to end every session that bears a value."),
    ]

    private static let drainKeys: [Key] = [
        Self.value(
            "drain.delay", \.drain.delay, .duration(),
            "After SIGTERM, how long the node still accepts, so that the balancer notices it is not ready."),
        Self.value(
            "drain.window", \.drain.window, .duration(),
            "Then, the time over which connections are ended evenly."),
    ]

    private static let transportKeys: [Key] = [
        Self.value(
            "transports.sse.enabled", \.transports.sse, .boolean,
            "Whether SDKs may read event streams on `/connection/sse`. With this or the next, `/emulation` takes "
                + "what their clients say."),
        Self.value(
            "transports.http_stream.enabled", \.transports.httpStream, .boolean,
            "Whether SDKs may read HTTP streams on `/connection/http_stream`."),
        Self.value(
            "transports.uni_websocket.enabled", \.transports.uniWebSocket, .boolean,
            "Whether clients may listen on `/connection/uni_websocket`."),
        Self.value(
            "transports.uni_sse.enabled", \.transports.uniSSE, .boolean,
            "Whether clients may listen on `/connection/uni_sse`."),
        Self.value(
            "transports.uni_http_stream.enabled", \.transports.uniHTTPStream, .boolean,
            "Whether clients may listen on `/connection/uni_http_stream`."),
    ]

    private static let eventKeys: [Key] = [
        Self.value(
            "events.retry", \.events.retry, .duration(from: .milliseconds(1)),
            "What `/events` tells an EventSource to wait before it comes back: each between half and one and a half times "
                + "it."),
        Self.value(
            "events.chunked", \.events.chunked, .boolean,
            "Whether event streams use chunked coding. Without it they end with their connection, as some old "
                + "intermediaries need."),
        Self.value(
            "events.padding", \.events.padding, .bytes(0...65_536),
            "Bytes of comment that begin every event stream, for proxies and browsers that wait for some."),
    ]

    private static let personalChannelKeys: [Key] = [
        Self.value(
            "personal_channels.enabled", \.personalChannels.enabled, .boolean,
            "Whether every connection of a user is subscribed to a channel of the user's own, `#<user>`."),
        .optional(
            "personal_channels.namespace", \.personalChannels.namespace, .namespaceName,
            "The namespace of these channels: they are then `<namespace>:#<user>`."),
    ]

    private static let otherKeys: [Key] = [
        .optional(
            "reactor.threads", \.reactor.threads, .integer(1...64), absent: "one per core",
            "Threads that hold connections."),
        Self.value("log.level", \.log.level, .choice, "The least that is logged."),
        Self.value("log.format", \.log.format, .choice, "How a line of the log is written."),
        .optional(
            "console.enabled", \.console.enabled, .boolean, absent: "`true` in development mode, else `false`",
            "Whether the internal listener serves the console."),
        .optional(
            "demo.enabled", \.demo.enabled, .boolean, absent: "`true` in development mode, else `false`",
            "Whether the internal listener serves the demo."),
    ]
}
