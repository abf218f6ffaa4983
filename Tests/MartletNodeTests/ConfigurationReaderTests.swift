// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import MartletCore
import MartletSessions
import Testing

@testable import MartletNode

@Suite("Reading a configuration")
struct ConfigurationReaderTests {
    private func read(
        _ text: String = "", _ environment: [String: String] = [:], _ flags: [(key: String, value: String)] = []
    ) throws(ConfigurationError) -> NodeConfiguration {
        try ConfigurationReader.read(file: ("martlet.yaml", text), environment: environment, flags: flags)
    }

    private func problems(
        _ text: String = "", _ environment: [String: String] = [:], _ flags: [(key: String, value: String)] = []
    ) -> [String] {
        do {
            _ = try self.read(text, environment, flags)
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test("Nothing written: a node that runs alone, in development mode")
    func defaults() throws {
        let configuration = try ConfigurationReader.read()
        #expect(configuration.isDevelopment)
        #expect(configuration.listen.publicAddress.description == "127.0.0.1:8000")
        #expect(configuration.redis.urls.isEmpty && !configuration.kafka.isConfigured)
        #expect(configuration.consoleEnabled && configuration.demoEnabled && configuration.admitsAnonymous)
        #expect(configuration.namespaceTable.options(of: "any:1")?.subscribe == .anonymous)
    }

    @Test("Flags come before the environment, that before the file, that before the default")
    func precedence() throws {
        let file = "drain:\n  delay: 1s\n  window: 1m\nlimits.mailbox_max: 100\n"
        let configuration = try self.read(
            file, ["MARTLET_DRAIN_WINDOW": "2m", "MARTLET_DRAIN_DELAY": "", "MARTLET_LIMITS_MAILBOX_MAX": "200"],
            [("limits.mailbox_max", "300"), ("limits.mailbox_max", "400")])
        #expect(configuration.drain.delay == .seconds(1))
        #expect(configuration.drain.window == .seconds(120))
        #expect(configuration.limits.mailboxMax == 400)
        #expect(configuration.limits.headBytesMax == 16_384)
        #expect(configuration.origins["drain.delay"] == .file(path: "martlet.yaml", line: 2, column: 10))
        #expect(configuration.origins["drain.window"] == .environment("MARTLET_DRAIN_WINDOW"))
        #expect(configuration.origins["limits.mailbox_max"] == .flag("--set limits.mailbox_max"))
    }

    @Test("What a namespace says of its streams and its payloads")
    func namespaceOptions() throws {
        let file = """
            namespaces:
            - {name: ticks, delta: fossil, position_check: 5s, history_size: 10}
            - {name: files, data: binary, position_check: off}
            - {name: plain, position_check: default}
            """
        let namespaces = try self.read(file).namespaces
        #expect(namespaces.map(\.delta) == [.fossil, .off, .off] && namespaces.map(\.data) == [.json, .binary, .json])
        #expect(namespaces.map(\.positionCheck) == [.seconds(5), .zero, nil])
        let bad = self.problems("namespaces: [{name: ticks, delta: vcdiff, position_check: 10ms, data: text}]")
        #expect(bad.count == 3 && bad.allSatisfy { $0.contains("must be") }, "\(bad)")
        let limits = self.problems("presence: {lease_ttl: 4s}\nstreams: {retry_base: 10s, reads_max: 0}\n")
        #expect(limits.contains { $0.contains("streams.reads_max") }, "\(limits)")
        let rules = self.problems("presence: {lease_ttl: 4s}\nstreams: {retry_base: 10s}\n")
        for name in ["presence.lease_interval", "streams.retry_base"] {
            #expect(rules.contains { $0.contains("\(name) is ") }, "\(rules)")
        }
    }

    @Test("Every kind of value, from YAML, JSON and the environment alike")
    func kinds() throws {
        let yaml = """
            listen: {public: "127.0.0.1:1", trusted_proxies: [10.0.0.0/8, "::1"], proxy_protocol: required}
            kafka:
              brokers: [a:1, b:2]
              topics: [sessions, more=martlet]
              start: earliest
              properties: {security.protocol: ssl, "fetch.wait.max.ms": 5}
            auth: {hmac_secret: "0", anonymous: true}
            limits: {connects_per_second: 12.5, head_bytes_max: 8KiB, connections_max: 10}
            api: {enabled: false}
            """
        let json = """
            {"listen": {"public": "127.0.0.1:1", "trusted_proxies": ["10.0.0.0/8", "::1"], "proxy_protocol": "required"},
             "kafka": {"brokers": ["a:1", "b:2"], "topics": ["sessions", "more=martlet"], "start": "earliest",
                       "properties": {"security.protocol": "ssl", "fetch.wait.max.ms": 5}},
             "auth": {"hmac_secret": "0", "anonymous": true},
             "limits": {"connects_per_second": 12.5, "head_bytes_max": "8KiB", "connections_max": 10},
             "api": {"enabled": false}}
            """
        let environment = [
            "MARTLET_LISTEN_PUBLIC": "127.0.0.1:1", "MARTLET_LISTEN_TRUSTED_PROXIES": "10.0.0.0/8, ::1",
            "MARTLET_LISTEN_PROXY_PROTOCOL": "required", "MARTLET_KAFKA_BROKERS": "a:1,b:2",
            "MARTLET_KAFKA_TOPICS": "sessions,more=martlet", "MARTLET_KAFKA_START": "earliest",
            "MARTLET_KAFKA_PROPERTIES": "security.protocol=ssl,fetch.wait.max.ms=5",
            "MARTLET_AUTH_HMAC_SECRET": "0", "MARTLET_AUTH_ANONYMOUS": "true", "MARTLET_API_ENABLED": "false",
            "MARTLET_LIMITS_CONNECTS_PER_SECOND": "12.5", "MARTLET_LIMITS_HEAD_BYTES_MAX": "8KiB",
            "MARTLET_LIMITS_CONNECTIONS_MAX": "10",
        ]
        for configuration in [try self.read(yaml), try self.read(json), try self.read("", environment)] {
            #expect(configuration.listen.publicAddress.port == 1)
            #expect(configuration.listen.trustedProxies.count == 2)
            #expect(configuration.listen.proxyProtocol == .required)
            #expect(configuration.kafka.brokers == ["a:1", "b:2"])
            #expect(configuration.kafka.topics.map(\.name) == ["sessions", "more"])
            #expect(configuration.kafka.revokeTopic == "sessions")
            #expect(configuration.kafka.start == .earliest)
            #expect(configuration.kafka.properties == ["security.protocol": "ssl", "fetch.wait.max.ms": "5"])
            #expect(configuration.auth.hmacSecret == "0" && configuration.auth.anonymous == true)
            #expect(configuration.limits.connectsPerSecond == 12.5)
            #expect(configuration.limits.headBytesMax == 8192)
            #expect(configuration.limits.connectionsMax == 10)
            #expect(!configuration.api.enabled)
            #expect(configuration.unboundedTokens == .refuse)
        }
    }

    @Test("Wrong values name the key, the value, what is expected, and the line or variable")
    func wrongValues() {
        #expect(
            self.problems("drain:\n  window: 10\n") == [
                "martlet.yaml:2:11: drain.window is “10”, but must be a duration such as 250ms, 10s or 1h30m"
            ])
        #expect(
            self.problems("", ["MARTLET_REACTOR_THREADS": "many"]) == [
                "MARTLET_REACTOR_THREADS: reactor.threads is “many”, but must be a whole number, 1 to 64"
            ])
        #expect(
            self.problems("", [:], [("api.enabled", "yes")]) == [
                "--set api.enabled: api.enabled is “yes”, but must be true or false"
            ])
        let topic =
            "a topic's name, name=format (martlet, cloudevents, set, logout-token, session-table), or a section with a name"
        #expect(
            self.problems("kafka:\n  topics:\n    - a\n    - b=avro\n    - [c]\n") == [
                "martlet.yaml:4:7: kafka.topics is “b=avro”, but must be \(topic)",
                "martlet.yaml:5:7: kafka.topics is a list, but must be \(topic)",
            ])
        #expect(
            self.problems("log: {level: loud}\nlisten.public: host\nlimits: {message_bytes_max: 1}\n") == [
                "martlet.yaml:1:14: log.level is “loud”, but must be `trace`, `debug`, `info`, `notice`, `warning`, "
                    + "`error` or `critical`",
                "martlet.yaml:2:16: listen.public is “host”, but must be an address and a port such as "
                    + "127.0.0.1:8000, [::1]:8000 or :8000",
                "martlet.yaml:3:29: limits.message_bytes_max is “1”, but must be a size such as 65536, 64KiB or 1MiB, "
                    + "at least 125, at most 1GiB",
            ])
        #expect(
            self.problems("streams: {position_check_interval: 10ms}\nlimits: {delta_bytes_max: 2MiB}\n") == [
                "martlet.yaml:1:36: streams.position_check_interval is “10ms”, but must be 0s, or a duration such as 10s "
                    + "or 1h30m, at least 1s",
                "martlet.yaml:2:27: limits.delta_bytes_max is “2MiB”, but must be a size such as 65536, 64KiB or 1MiB, "
                    + "at least 64, at most 1MiB",
            ])
        #expect(self.problems("streams: {position_check_interval: 0s}\nlimits: {delta_bytes_max: 1MiB}\n").isEmpty)
        #expect(
            self.problems("redis.prefix:\ndrain: 5s\n") == [
                "martlet.yaml:1:14: redis.prefix has no value: write one (at most 128 letters, digits, - and _), or leave the key out",
                "martlet.yaml:2:8: drain is “5s”, but must hold keys",
            ])
    }

    @Test("A secret is not shown")
    func secrets() {
        let found = self.problems("redis.urls: [http://user:hunter2@host]\n")
        #expect(found == ["martlet.yaml:1:14: redis.urls must be an address redis://…"])
    }

    @Test("Unknown keys are errors with their line and the nearest name")
    func unknownKeys() {
        #expect(
            self.problems("listen:\n  publik: 127.0.0.1:1\n") == [
                "martlet.yaml:2:3: listen.publik is no key; did you mean listen.public?"
            ])
        #expect(
            self.problems("lisen:\n  public: x\nconnections_max: 1\nzzz: 1\n") == [
                "martlet.yaml:1:1: lisen is no key; did you mean listen?",
                "martlet.yaml:3:1: connections_max is no key; did you mean limits.connections_max?",
                "martlet.yaml:4:1: zzz is no key: see martlet config reference",
            ])
        #expect(
            self.problems("", ["MARTLET_KAFKA_BROKER": "x"]) == [
                "MARTLET_KAFKA_BROKER: no key has this name; did you mean MARTLET_KAFKA_BROKERS?"
            ])
        #expect(
            self.problems("", [:], [("drain.windows", "1s")]) == [
                "--set drain.windows: drain.windows is no key; did you mean drain.window?"
            ])
    }

    @Test("Variables that Kubernetes makes for a service named martlet are nobody's keys")
    func serviceLinks() {
        let made = [
            "MARTLET_SERVICE_HOST": "10.0.0.1", "MARTLET_SERVICE_PORT": "8000", "MARTLET_SERVICE_PORT_HTTP": "8000",
            "MARTLET_PORT": "tcp://10.0.0.1:8000", "MARTLET_PORT_8000_TCP": "tcp://10.0.0.1:8000",
            "MARTLET_PORT_8000_TCP_ADDR": "10.0.0.1", "MARTLET_INTERNAL_PORT_9000_TCP_PROTO": "tcp",
        ]
        #expect(self.problems("", made).isEmpty)
    }

    @Test("Files that are no configuration")
    func brokenFiles() throws {
        #expect(self.problems("").isEmpty)
        #expect(self.problems("# nothing\nredis:\n").isEmpty)
        #expect(self.problems("- a\n") == ["martlet.yaml:1:1: the file is a list, but must hold keys"])
        let broken = try #require(self.problems("drain:\n  window: [1s\n").first)
        #expect(broken.hasPrefix("martlet.yaml:3:1: "))
        let twice = try #require(self.problems("log.level: info\nlog.level: debug\n").first)
        #expect(twice.contains("log.level stands here more than once"))
        let deep = String(repeating: "[", count: 60) + String(repeating: "]", count: 60)
        #expect(self.problems("redis.urls: \(deep)\n").first?.hasSuffix("nested too deeply") == true)
        #expect(throws: ConfigurationError.self) {
            try ConfigurationReader.read(path: "/nonexistent/martlet.yaml", environment: [:])
        }
    }

    @Test("Public keys are read from the files that are named")
    func publicKeys() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try Data("-----BEGIN PUBLIC KEY-----\nx".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let text = "auth.public_keys: ['-----BEGIN PUBLIC KEY-----', \(file.path)]\napi.enabled: false\n"
        let keys = try self.read(text).auth.publicKeys
        #expect(keys == ["-----BEGIN PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----\nx"])
        #expect(
            self.problems("auth.public_keys:\n  - /nonexistent.pem\n") == [
                "martlet.yaml:2:5: auth.public_keys is “/nonexistent.pem”, but must be PEM text, or the path of a "
                    + "readable file that holds it"
            ])
    }

    @Test("Who starts no node may do with a part of the configuration")
    func parts() throws {
        let configuration = try ConfigurationReader.read(flags: [("auth.hmac_secret", "x")], forNode: false)
        #expect(configuration.auth.hmacSecret == "x")
    }

    @Test("MARTLET_CONFIG names the file, and --config comes before it")
    func namedFile() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let (first, second) = (directory.appendingPathComponent("1.yaml"), directory.appendingPathComponent("2.json"))
        try Data("node.name: one".utf8).write(to: first)
        try Data(#"{"node": {"name": "two"}}"#.utf8).write(to: second)
        let environment = ["MARTLET_CONFIG": first.path]
        #expect(try ConfigurationReader.read(path: nil, environment: environment).name == "one")
        #expect(try ConfigurationReader.read(path: second.path, environment: environment).name == "two")
    }

    @Test("Namespaces are objects with keys of their own")
    func namespaces() throws {
        let text = """
            auth.hmac_secret: secret
            api.enabled: false
            namespaces:
              - name: chat
                subscribe: authenticated
                publish: subscribers
                slow_consumer: disconnect
              - publish: authenticated
            """
        let configuration = try self.read(text)
        #expect(
            configuration.namespaces == [
                NamespaceOptions(name: "chat", subscribe: .authenticated, publish: .subscribers),
                NamespaceOptions(publish: .authenticated),
            ])
        #expect(configuration.namespaceTable.options(of: "other:1") == nil)
        let development = try self.read("namespaces:\n  - name: chat\n    publish: none\n")
        #expect(development.namespaces == [NamespaceOptions(name: "chat", subscribe: .anonymous, publish: .none)])
        #expect(
            self.problems("namespaces:\n  - name: chat\n    subscribes: token\n    publish: all\n  - name: chat\n") == [
                "martlet.yaml:3:5: subscribes is no key of a namespace; did you mean subscribe?",
                "martlet.yaml:4:14: publish is “all”, but must be `none`, `subscribers`, `authenticated`, "
                    + "`anonymous` or `proxy`",
                "martlet.yaml:5:5: namespaces lists chat twice",
            ])
        #expect(
            self.problems("namespaces: [a]\n") == [
                "martlet.yaml:1:14: an entry of namespaces is “a”, but must hold keys"
            ])
        #expect(
            self.problems("namespaces:\n  - name: x y\n    history_sizes: 10\n") == [
                "martlet.yaml:2:11: name is “x y”, but must be two or more of letters, digits, - and _",
                "martlet.yaml:3:5: history_sizes is no key of a namespace; did you mean history_size?",
            ])
        #expect(
            self.problems("namespaces:\n  - name: chat\n    force_join_leave: true\n") == [
                "martlet.yaml:1:1: namespace chat has force_join_leave without join_leave: nothing would be told; add "
                    + "join_leave: true"
            ])
    }
}
