// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

package import MartletProtocol

extension NodeConfiguration.Kafka {
    /// A topic that carries events which end sessions, and how to read it.
    package struct Topic: Sendable, Hashable {
        package var name: String
        package var format: InvalidationFormat
        package var tokens = NodeConfiguration.TokenSource()
        package var verification = Verification.lenient
        /// Of a table of sessions: where the state stands, which states end a session, where the key has the session.
        package var field: String?
        package var values: [String] = []
        package var keyField: String?
        /// Where records that cannot be read are copied to.
        package var deadLetter: String?

        package init(name: String = "", format: InvalidationFormat = .martlet) {
            self.name = name
            self.format = format
        }

        package enum Verification: String, CaseIterable, Sendable {
            /// A token whose key is not known is taken, and counted: write access to the topic is the trust.
            case lenient
            case strict
        }
    }
}

extension NodeConfiguration {
    /// Whose tokens end sessions, and the keys to know them by.
    package struct TokenSource: Sendable, Hashable {
        package var issuer: String?
        package var audiences: [String] = []
        package var jwksURL: String?
        package var publicKeys: [String] = []

        package var hasKeys: Bool { self.jwksURL != nil || !self.publicKeys.isEmpty }
        var isEmpty: Bool { self == TokenSource() }
    }
}

extension NodeConfiguration.Kafka.Topic {
    package typealias Key = ConfigurationKey<Self>

    /// The keys of an entry of `kafka.topics` that is written as a section.
    package static let keys: [Key] = [
        .value("name", \.name, .topicName, in: Self(), "The topic."),
        .value(
            "format", \.format, .choice, in: Self(),
            "How its records say that a session has ended: `martlet` JSON; the same within `cloudevents`; security event "
                + "tokens, `set`; OpenID Connect's `logout-token`; or a compacted `session-table`."),
        .optional(
            "issuer", \.tokens.issuer, .text, absent: "`auth.issuer` where its keys are used",
            "Of tokens: what `iss` must be."),
        .list("audience", \.tokens.audiences, .text, "Of tokens: what `aud` must contain one of."),
        .optional(
            "jwks_url", \.tokens.jwksURL, .url("https", "http"), absent: "the keys of `auth`",
            "Of tokens: where their issuer publishes its keys (JWKS)."),
        .list(
            "public_keys", \.tokens.publicKeys, .pem,
            "Of tokens: their issuer's keys, PEM text, or the path of a file that holds it."),
        .value(
            "verify", \.verification, .choice, in: Self(),
            "Of tokens: what becomes of one whose key is not known. `lenient` takes and counts it, as keys rotate faster "
                + "than a topic forgets and who writes to it is trusted; `strict` refuses it, and a starting node waits "
                + "until the keys were fetched once (`kafka.on_unavailable`)."),
        .optional(
            "field", \.field, .jsonPath,
            "Of a table: where a record's value has the state, with dots between the levels (`payload.after.state`)."),
        .list(
            "values", \.values, .text,
            "Of a table: the states in which a session has ended. A null value ends it always."),
        .optional(
            "key_field", \.keyField, .jsonPath, absent: "the key is the session",
            "Of a table: where a record's key has the session, for keys that are JSON (`payload.id`)."),
        .optional(
            "dead_letter", \.deadLetter, .topicName, absent: "none: they are counted and logged",
            "Topic that records which cannot be read are copied to."),
    ]
}

extension ConfigurationCodec where Value == String {
    /// By the brokers' own rule.
    static var topicName: Self {
        .text(expected: "a topic's name", kind: "topic") { name in
            (1...249).contains(name.utf8.count)
                && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
        }
    }

    static var jsonPath: Self {
        .text(expected: "the name of a field, with dots between the levels", kind: "path") { JSONPath($0) != nil }
    }
}

extension ConfigurationCodec where Value == NodeConfiguration.Kafka.Topic {
    /// The short form: `name`, or `name=format`.
    static var kafkaTopic: Self {
        let formats = InvalidationFormat.allCases.map(\.rawValue).joined(separator: ", ")
        return Self(
            kind: "topic", expected: "a topic's name, name=format (\(formats)), or a section with a name",
            parse: { text in
                let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                guard let name = parts.first.flatMap(ConfigurationCodec<String>.topicName.parse) else { return nil }
                guard parts.count > 1 else { return NodeConfiguration.Kafka.Topic(name: name) }
                return InvalidationFormat(rawValue: parts[1]).map {
                    NodeConfiguration.Kafka.Topic(name: name, format: $0)
                }
            }, render: { "\($0.name)=\($0.format.rawValue)" })
    }
}
