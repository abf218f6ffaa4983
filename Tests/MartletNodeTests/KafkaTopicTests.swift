// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import MartletProtocol
import MartletSessions
import Testing

@testable import MartletNode

@Suite("Topics and receivers in the configuration")
struct KafkaTopicTests {
    private static let start = "kafka:\n  brokers: [a:1]\n  topics:\n"

    private func read(_ text: String) throws(ConfigurationError) -> NodeConfiguration {
        try ConfigurationReader.read(file: ("martlet.yaml", text))
    }

    private func problems(_ text: String) -> [String] {
        do {
            _ = try self.read(text)
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test("A topic is a name, a name with a format, or a section")
    func forms() throws {
        let configuration = try self.read(
            Self.start + """
                    - one
                    - two=cloudevents
                    - name: three
                      format: set
                      issuer: https://idp
                      audience: [us, we]
                      jwks_url: https://idp/jwks
                      verify: strict
                      dead_letter: dead
                    - {name: four, format: session-table, field: payload.after.state, values: [ended, "0"],
                       key_field: payload.id}
                """)
        let topics = configuration.kafka.topics
        #expect(topics.map(\.name) == ["one", "two", "three", "four"])
        #expect(topics.map(\.format) == [.martlet, .cloudEvents, .securityEvents, .sessionTable])
        #expect(topics[2].tokens.issuer == "https://idp" && topics[2].tokens.audiences == ["us", "we"])
        #expect(topics[2].tokens.jwksURL == "https://idp/jwks" && topics[2].verification == .strict)
        #expect(topics[2].deadLetter == "dead" && topics[0].deadLetter == nil)
        #expect(topics[3].field == "payload.after.state" && topics[3].values == ["ended", "0"])
        #expect(topics[3].keyField == "payload.id")
        #expect(configuration.kafka.revokeTopic == "one")
        let key = try #require(NodeConfiguration.keys.first { $0.name == "kafka.topics" })
        #expect(key.shownValue(in: configuration).hasPrefix("one=martlet,two=cloudevents,{name=three format=set "))
    }

    @Test("What is wrong is told with its line")
    func errors() {
        #expect(
            self.problems(
                Self.start + """
                        - name: a
                          formt: set
                        - format: set
                        - name: b
                          format: avro
                          field: ".x"
                    """) == [
                    "martlet.yaml:5:7: formt is no key of an entry of kafka.topics; did you mean format?",
                    "martlet.yaml:6:7: an entry of kafka.topics has no name",
                    "martlet.yaml:8:15: kafka.topics: format is “avro”, but must be `martlet`, `cloudevents`, `set`, "
                        + "`logout-token` or `session-table`",
                    "martlet.yaml:9:14: kafka.topics: field is “.x”, but must be the name of a field, with dots between "
                        + "the levels",
                ])
    }

    @Test(
        "A topic that could not do what it is for",
        arguments: [
            ("{name: a, format: set}", "has no keys"), ("a=logout-token", "has no keys"),
            ("{name: a, issuer: x}", "which format martlet does not know"),
            ("{name: a, format: cloudevents, verify: strict}", "which format cloudevents does not know"),
            ("{name: a, format: set, jwks_url: 'https://i/', field: x, values: [y]}", "they are of session-table"),
            ("{name: a, format: session-table, field: x}", "has field without values"),
            ("{name: a, format: session-table, values: [x]}", "has values without field"),
            ("{name: a, dead_letter: a}", "which is read itself"),
        ])
    func rules(topic: String, problem: String) {
        let found = self.problems(Self.start + "    - \(topic)\n")
        #expect(found.count == 1 && found.first?.hasPrefix("martlet.yaml:4:7: topic a ") == true, "\(found)")
        #expect(found.first?.contains(problem) == true, "\(found)")
    }

    @Test("Revocations are written to a topic of martlet events")
    func revokeTopic() throws {
        let table = try self.read("kafka: {brokers: [a:1], topics: [a=session-table, b]}")
        #expect(table.kafka.revokeTopic == "b")
        #expect(try self.read("kafka: {brokers: [a:1], topics: [a=session-table]}").kafka.revokeTopic == nil)
        #expect(
            self.problems("kafka: {brokers: [a:1], topics: [a=session-table, b], revoke_topic: a}")
                .first?.contains("whose format is session-table") == true)
    }

    @Test("A receiver knows whose tokens it takes")
    func receivers() throws {
        let missing = self.problems("receivers.logout.enabled: true")
        #expect(missing.count == 3)
        for word in ["jwks_url", "issuer", "audience"] {
            #expect(missing.contains { $0.contains("receivers.logout.\(word) is missing") })
        }
        let alone = try self.read(
            """
            receivers:
              listen: 127.0.0.1:9001
              logout: {enabled: true, issuer: i, audience: a, jwks_url: "https://i/jwks"}
            """)
        #expect(alone.receivers.logout.isEnabled && !alone.receivers.securityEvents.isEnabled)
        #expect(alone.isDevelopment && alone.unboundedTokens == .refuse)
        let shared = "auth: {jwks_url: \"https://i/jwks\", issuer: i, audience: a}\napi.keys: [k]\n"
        #expect(try self.read(shared + "receivers.security_events.enabled: true").receivers.securityEvents.isEnabled)
        #expect(self.problems(shared + "receivers.listen: :9001").first?.contains("serves nothing") == true)
        #expect(
            self.problems(shared + "receivers: {listen: \"127.0.0.1:9000\", logout: {enabled: true}}").first?
                .contains("where another listener is") == true)
    }
}
