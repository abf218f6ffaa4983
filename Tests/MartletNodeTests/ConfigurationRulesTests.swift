// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletCore
import Testing

@testable import MartletNode

@Suite("What a node refuses to start with")
struct ConfigurationRulesTests {
    private func problems(_ text: String) -> [String] {
        do {
            _ = try ConfigurationReader.read(file: ("martlet.yaml", text))
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test("Beyond loopback it needs token keys and API keys")
    func beyondLoopback() throws {
        let missing = self.problems("listen.public: 0.0.0.0:8000\n")
        #expect(
            missing == [
                "the node listens beyond loopback (listen.public: 0.0.0.0:8000), and no client could connect: add "
                    + "auth.hmac_secret, auth.public_keys, auth.jwks_url or proxy.connect.url, or say "
                    + "auth.anonymous: true",
                "the node listens beyond loopback (listen.public: 0.0.0.0:8000), and its API has no key: add api.keys, "
                    + "or say api.enabled: false",
            ])
        #expect(self.problems("listen.internal: '[::]:9000'\nauth.hmac_secret: x\n").count == 1)
        #expect(self.problems("listen.public: :8000\napi.keys: [k]\n").count == 1)
        #expect(self.problems("listen.public: :8000\napi.keys: [k]\nauth.jwks_url: https://id/keys\n").isEmpty)
        #expect(self.problems("listen.public: :8000\nauth.anonymous: true\napi.enabled: false\n").isEmpty)
        #expect(self.problems("listen.public: :8000\nauth.anonymous: false\napi.enabled: false\n").count == 1)
    }

    @Test("Development mode ends with the first token key or API key")
    func development() throws {
        let secured = try ConfigurationReader.read(file: ("f", "auth.hmac_secret: x\napi.keys: [k]\n"))
        #expect(!secured.isDevelopment && !secured.admitsAnonymous && !secured.consoleEnabled && !secured.demoEnabled)
        #expect(secured.namespaceTable.options(of: "any:1") == nil)
        let table = try ConfigurationReader.read(file: ("f", "namespaces: [{name: dm}]\n")).namespaceTable
        #expect(table.options(of: "room:lobby")?.presence == true && table.options(of: "room:lobby")?.history != nil)
        #expect(table.options(of: "dm:a")?.history == nil && table.options(of: "any:1")?.history == nil)
        #expect(secured.namespaceTable.options(of: "room:lobby") == nil)
        let keyed = try ConfigurationReader.read(file: ("f", "api.keys: [k]\nauth.anonymous: true\n"))
        #expect(!keyed.isDevelopment && keyed.admitsAnonymous)
        #expect(self.problems("api.keys: [k]\n").count == 1)
        #expect(
            self.problems("auth.hmac_secret: x\n") == ["its API has no key: add api.keys, or say api.enabled: false"])
        let told = try ConfigurationReader.read(file: ("f", "demo.enabled: false\nconsole.enabled: false\n"))
        #expect(told.isDevelopment && !told.consoleEnabled && !told.demoEnabled)
    }

    @Test(
        "Keys that need or contradict each other",
        arguments: [
            (
                "{personal_channels: {enabled: true, namespace: own}, auth.hmac_secret: x, api.keys: [k]}",
                "personal_channels.namespace is own"
            ),
            ("kafka.brokers: [a:1]", "kafka.topics is missing"), ("kafka.topics: [a]", "kafka.brokers is missing"),
            ("kafka: {brokers: [a:1], topics: [a, a]}", "names a topic twice"),
            ("kafka.security: sasl_tls", "kafka.sasl_mechanism is missing"),
            ("kafka: {security: sasl_tls, sasl_mechanism: PLAIN, username: u}", "kafka.password is missing"),
            ("kafka: {security: sasl_plaintext, sasl_mechanism: SCRAM-SHA-512, password: p}", "kafka.username is"),
            (
                "kafka: {security: sasl_tls, sasl_mechanism: OAUTHBEARER, oidc_client_id: c, oidc_client_secret: s}",
                "kafka.oidc_token_url is missing"
            ),
            ("kafka.sasl_mechanism: PLAIN", "kafka.sasl_mechanism has no effect"),
            ("kafka.ca_file: /ca.pem", "kafka.ca_file has no effect"),
            ("kafka: {security: tls, key_file: /key.pem}", "go together"),
            ("validation.kind: http", "validation.url is missing"),
            ("validation: {kind: http, url: http://v, interval_degraded: 20m}", "longer than validation.interval"),
            ("validation: {kind: introspection}", "validation.url is missing"),
            ("validation: {kind: redis, redis_key: 's:{session}'}", "validation.redis_url is missing"),
            ("validation: {kind: redis, redis_url: 'redis://r', redis_key: sessions}", "must name a session's key"),
            (
                "validation: {kind: redis, redis_url: 'redis://r', redis_key: '{user}', redis_test: equals}",
                "validation.redis_value is missing"
            ),
            ("validation: {kind: http, url: http://v, bearer: x, user: u, password: p}", "keep one"),
            ("validation: {kind: http, url: http://v, user: u}", "need each other"),
            ("validation: {kind: http, url: http://v, headers: {Host: x}}", "no header that a call may bear"),
            ("validation: {kind: http, url: http://v, tls_key_file: /k}", "need each other"),
            ("validation: {kind: http, url: http://v, tls_ca_file: /nowhere}", "/nowhere: no certificate in PEM"),
            ("validation: {kind: http, url: http://v, on_connect_timeout: 1h}", "not below limits.handshake_deadline"),
            ("validation: {kind: http, url: http://v, guard_share: 2}", "is a share"),
            ("validation: {kind: http, url: http://v, staleness_max: 5m}", "shorter than validation.interval"),
            ("sessions.unbounded_tokens: validate", "needs an authority"),
            ("redis.urls: [redis://a, redis://b]", "has 2 entries"),
            ("listen.proxy_protocol: required", "listen.trusted_proxies is missing"),
            ("listen.internal: 127.0.0.1:8000", "give two ports"),
            ("limits.commands_burst: 1", "below limits.commands_per_second"),
        ])
    func relations(text: String, message: String) throws {
        let problem = try #require(self.problems(text + "\n").first)
        #expect(problem.contains(message))
        #expect(problem.hasPrefix("martlet.yaml:1:"))
    }
}
